"""Keras architectures and a model seen as one weight vector."""
