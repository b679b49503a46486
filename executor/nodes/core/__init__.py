"""Triggers: where executions start."""
