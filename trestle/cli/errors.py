"""What ends a command early.

LaunchError      something stands in the way; its text says what, and what to do
StopRequested    a person or the system asked to stop (Ctrl-C, SIGTERM, a closed terminal)
"""


class LaunchError(Exception):
    """The command cannot go on. The text is one or two sentences for the person at the terminal; exit code 1."""


class StopRequested(Exception):
    """SIGINT, SIGTERM or SIGHUP arrived: stop everything in order and exit 0."""
