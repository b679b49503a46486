"""What a step's row says in `wait`, for people and for the step's next owner, beside what the node put there."""

from datetime import datetime

RETRY_NO = "retry_no"
"""Key in a step's recorded `wait` that carries the number of definite failures to the next owner, where it isn't attempt - 1."""
STATE = "$state"
"""Key for a node's state that is no object."""
RESUMED = "$resumed"
"""Key for the state of a wait that is over, while the step is being retried."""
ANSWERED = "$answered"
"""Key for the answer that ended it (a `Resolution`), where one did."""
EXPIRED = "$expired"
"""Key for the kind of answer that a wait was for which ended by its time: an answer comes too late."""
AGAIN = "$again"
"""Key that tells a wait which the node did not ask for: what was to run is to run again."""
REASON = "reason"
"""Key for why it waits, for people."""


def limited_until(due: datetime) -> str:
    """Why a step waits whose service asked for patience."""
    return f"rate limited until {due.isoformat(timespec='seconds').replace('+00:00', 'Z')}"
