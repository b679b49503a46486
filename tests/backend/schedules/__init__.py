"""What fires by itself."""
