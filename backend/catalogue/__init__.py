"""Node types: what the living executors offer."""
