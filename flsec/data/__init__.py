"""Where examples come from and how clients share them."""
