"""Workflows to begin with: each a file of this folder, `<name>.yaml` or `<name>.json`. Dropping one in is all."""
