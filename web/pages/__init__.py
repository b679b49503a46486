"""One module a page, its state beside it."""
