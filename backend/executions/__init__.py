"""Executions: accepted, listed, looked into, cancelled, run again."""
