"""Where a TFF computation runs."""
