"""Workflows: drafts, their checks, versions."""
