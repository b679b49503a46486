"""The executor: takes executions from the queue and runs their nodes. It has no database."""
