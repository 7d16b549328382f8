"""Attacks on what a defence asks of clients."""
