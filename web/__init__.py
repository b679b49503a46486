"""The browser interface: a Reflex application over the public API. It has no database of its own."""
