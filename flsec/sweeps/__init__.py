"""The cells of a sweep: one after another, or side by side."""
