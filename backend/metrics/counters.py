"""What this process has counted since it started. Counted where it is committed, a batch at a time.

Every end is counted by one backend: successes with their report, all others when they are settled, which is once for each.
"""

from collections import Counter as Tally
from collections.abc import Iterable

from prometheus_client import Counter

ACCEPTED = Counter("trestle_executions_accepted", "Executions that this backend accepted.")
ENDED = Counter("trestle_executions_ended", "Executions, and polls and checks, whose end this backend saw, by status.", ["status"])
SUCCEEDED = ENDED.labels("succeeded")


def failed(statuses: Iterable[str]) -> None:
    """Executions ended with these statuses, none of which is `succeeded`; that is committed."""
    for status, number in Tally(statuses).items():
        ENDED.labels(status).inc(number)
