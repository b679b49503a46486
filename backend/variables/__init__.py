"""A project's variables: `vars.NAME` in its workflows' expressions."""
