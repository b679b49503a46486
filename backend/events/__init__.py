"""Events that people and programs send to a project."""
