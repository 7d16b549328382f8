"""The TFF layer: client work and the round as one federated computation."""
