"""Measurements of accuracy, attack success and cost."""
