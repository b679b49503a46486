"""What was recorded of an execution before: what its next owner builds on."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from trestle.contracts.states import StepStatus

_STEPS = """
select execution_id, node, item, attempt, status, port, output, refs, error, wait, due_at, started_at
from steps where execution_id = any($1::uuid[]) order by execution_id, node, item nulls first, attempt
"""


@dataclass(frozen=True, slots=True)
class Recorded:
    """`FinishedStep`s and `OpenStep`s (contracts.jobs) of one execution, ready to encode."""

    finished: list[dict[str, Any]] = field(default_factory=list)
    open: list[dict[str, Any]] = field(default_factory=list)


NOTHING = Recorded()


async def recorded(pool: "asyncpg.Pool[asyncpg.Record]", execution_ids: Sequence[UUID]) -> dict[UUID, Recorded]:
    """By execution: each node's (and item's) newest attempt, finished or still open."""
    attempts: dict[UUID, dict[tuple[str, int | None], list[asyncpg.Record]]] = defaultdict(lambda: defaultdict(list))
    for row in await pool.fetch(_STEPS, execution_ids):
        attempts[row["execution_id"]][row["node"], row["item"]].append(row)
    found = {}
    for execution_id, nodes in attempts.items():
        found[execution_id] = Recorded()
        for rows in nodes.values():
            _sort(rows, found[execution_id])
    return found


def _sort(attempts: list[asyncpg.Record], into: Recorded) -> None:
    """Only the newest attempt counts; of an older one, its error says why there is a newer."""
    last = attempts[-1]
    step: dict[str, Any] = {"node": last["node"], "item": last["item"], "attempt": last["attempt"], "status": last["status"]}
    error = _fragment(last["error"])
    if last["status"] in (StepStatus.SUCCEEDED, StepStatus.SKIPPED, StepStatus.FAILED):
        # Failed by no port: the attempt failed, and what was to follow was not recorded. The new owner decides.
        into.finished.append(
            {**step, "port": last["port"], "output": last["output"], "refs": _fragment(last["refs"] or "{}"), "error": error}
        )
    elif last["status"] in (StepStatus.PENDING, StepStatus.RUNNING, StepStatus.WAITING):
        # A wait that never started is a backoff, after the failure before it; one that did is the node's own.
        backoff = len(attempts) > 1 and last["started_at"] is None
        failure = _fragment(attempts[-2]["error"]) if backoff else None
        into.open.append({**step, "due_at": last["due_at"], "wait": _fragment(last["wait"]), "failure": failure})


def _fragment(encoded: str | None) -> orjson.Fragment | None:
    return orjson.Fragment(encoded) if encoded is not None else None
