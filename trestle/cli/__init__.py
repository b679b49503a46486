"""The command line: `python -m trestle up`, `migrate` and `node`. The launcher needs only the standard library."""
