"""Shaping of values."""
