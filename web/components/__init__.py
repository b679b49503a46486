"""What pages are made of: shared, and without state of its own."""
