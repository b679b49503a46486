"""People: signing up, signing in, their account."""
