"""Is it alive, and can it work."""
