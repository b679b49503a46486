"""What starts executions from outside."""
