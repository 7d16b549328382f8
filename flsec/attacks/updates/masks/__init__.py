"""Makers of sparse masks over a model's weights: one file a method."""
