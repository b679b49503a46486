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
select execution_id, node, item, attempt, status, port, output, error, wait, due_at
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
    # A failure by no port is one to be tried again: a failure for good would have ended the execution.
    final = last["status"] in (StepStatus.SUCCEEDED, StepStatus.SKIPPED) or (
        last["status"] == StepStatus.FAILED and last["port"] is not None
    )
    if final:
        into.finished.append({**step, "port": last["port"], "output": last["output"], "error": error})
    elif last["status"] == StepStatus.FAILED:
        into.open.append({**step, "due_at": last["due_at"], "failure": error})
    elif last["status"] in (StepStatus.RUNNING, StepStatus.WAITING, StepStatus.PENDING):
        failure = _fragment(attempts[-2]["error"]) if len(attempts) > 1 else None
        into.open.append({**step, "due_at": last["due_at"], "wait": _fragment(last["wait"]), "failure": failure})


def _fragment(encoded: str | None) -> orjson.Fragment | None:
    return orjson.Fragment(encoded) if encoded is not None else None
