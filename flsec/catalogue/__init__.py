"""The papers' tables and figures: what is printed, and what is ours."""
