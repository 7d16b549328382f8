"""The round loop and what it writes."""
