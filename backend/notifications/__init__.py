"""What workflows tell people."""
