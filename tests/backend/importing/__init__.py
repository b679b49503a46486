"""Documents of others become workflows."""
