"""The service that owns the data: it accepts, schedules and records executions, and never runs a node."""
