"""Workflows that were drawn elsewhere: read, and drawn again with the nodes there are here. Nothing of them is run."""
