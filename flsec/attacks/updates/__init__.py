"""Attacks that rewrite what malicious clients send."""
