"""Test inputs that people keep for a workflow."""
