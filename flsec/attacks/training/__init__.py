"""Attacks on how malicious clients train, or around another attack."""
