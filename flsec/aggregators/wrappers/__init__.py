"""Rules around another rule, one file each."""
