"""Which way, when, and how branches come together."""
