"""Credentials: named secrets, encrypted, bound to a project and to hosts."""
