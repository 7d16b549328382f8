"""Where the numbers of a run go besides its own files; one file a logger."""
