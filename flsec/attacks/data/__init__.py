"""Attacks on the examples that malicious clients train on."""
