"""Data sets, one file each, read from their published file formats."""
