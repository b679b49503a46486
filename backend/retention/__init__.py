"""How long what has finished is kept."""
