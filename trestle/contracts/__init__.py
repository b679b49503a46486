"""The published language: every shape that crosses a service's border, once.

Imports pydantic and the standard library only, so that any service (or a script) may depend on it.
"""
