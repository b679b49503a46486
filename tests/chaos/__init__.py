"""What `make chaos` does: breaks the product in every way that the protocol promises to survive, and counts what that cost."""
