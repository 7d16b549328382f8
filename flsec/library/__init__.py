"""flsec driven from Python: run, sweep, load, and a loop of one's own."""
