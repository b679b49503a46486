"""Large values: stored once, read by whoever may, tidied away when nothing uses them any more."""
