"""What was recorded of an execution before: what its next owner builds on."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from trestle.contracts.states import FAILED_ITEMS, StepStatus

_STEPS = """
select execution_id, node, item, attempt, status, port, output, refs, error, wait, due_at, started_at, items, token
from steps where execution_id = any($1::uuid[]) order by execution_id, node, item nulls first, attempt
"""


# Of steps that wait for them. An answer that came before its wait is found when the wait is handed back.
_RESOLUTIONS = """
select execution_id, node, item, kind, answer, refs from resolutions where execution_id = any($1::uuid[])
"""

Place = tuple[UUID, str, int | None]


@dataclass(frozen=True, slots=True)
class Recorded:
    """`FinishedStep`s and `OpenStep`s (contracts.jobs) of one execution, ready to encode."""

    finished: list[dict[str, Any]] = field(default_factory=list)
    open: list[dict[str, Any]] = field(default_factory=list)


NOTHING = Recorded()


async def recorded(pool: "asyncpg.Pool[asyncpg.Record]", execution_ids: Sequence[UUID]) -> dict[UUID, Recorded]:
    """By execution: each node's (and item's) newest attempt, finished or still open, with the answer that it waits for."""
    attempts: dict[UUID, dict[tuple[str, int | None], list[asyncpg.Record]]] = defaultdict(lambda: defaultdict(list))
    waiting: set[UUID] = set()
    for row in await pool.fetch(_STEPS, execution_ids):
        attempts[row["execution_id"]][row["node"], row["item"]].append(row)
        if row["token"] is not None and row["status"] == StepStatus.WAITING:
            waiting.add(row["execution_id"])
    answers = await _resolved(pool, list(waiting)) if waiting else {}
    found = {}
    for execution_id, nodes in attempts.items():
        found[execution_id] = Recorded()
        for (node, item), rows in nodes.items():
            _sort(rows, answers.get((execution_id, node, item)), found[execution_id])
    return found


async def _resolved(pool: "asyncpg.Pool[asyncpg.Record]", execution_ids: Sequence[UUID]) -> dict[Place, dict[str, Any]]:
    """`Resolution`s (contracts.jobs), ready to encode, by where they belong."""
    rows = await pool.fetch(_RESOLUTIONS, execution_ids)
    return {(row["execution_id"], row["node"], row["item"]): resolution(row) for row in rows}


def resolution(row: asyncpg.Record) -> dict[str, Any]:
    """A `Resolution` (contracts.jobs), ready to encode."""
    answer, refs = orjson.Fragment(row["answer"]), _fragment(row["refs"] or "{}")
    return {"node": row["node"], "item": row["item"], "kind": row["kind"], "answer": answer, "refs": refs}


def _sort(attempts: list[asyncpg.Record], answer: dict[str, Any] | None, into: Recorded) -> None:
    """Only the newest attempt counts; of an older one, its error says why there is a newer."""
    last = attempts[-1]
    step: dict[str, Any] = {"node": last["node"], "item": last["item"], "attempt": last["attempt"], "status": last["status"]}
    error = _fragment(last["error"])
    if last["status"] in (StepStatus.SUCCEEDED, StepStatus.SKIPPED, StepStatus.FAILED):
        # Failed by no port: the attempt failed, and what was to follow was not recorded. The new owner decides.
        failed = last["wait"] is not None and FAILED_ITEMS in orjson.loads(last["wait"])
        into.finished.append(
            {
                **step,
                "port": last["port"],
                "output": last["output"],
                "refs": _fragment(last["refs"] or "{}"),
                "error": error,
                "failed": failed,
            }
        )
    elif last["status"] in (StepStatus.PENDING, StepStatus.RUNNING, StepStatus.WAITING):
        # A wait that never started is a backoff, after the failure before it; one that did is the node's own.
        backoff = len(attempts) > 1 and last["started_at"] is None
        into.open.append(
            {
                **step,
                "started_at": last["started_at"],
                "due_at": last["due_at"],
                "wait": _fragment(last["wait"]),
                "failure": _fragment(attempts[-2]["error"]) if backoff else None,
                "items": last["items"],
                "refs": _fragment(last["refs"] or "{}"),
                "token": last["token"],
                "resolution": answer if answer is not None and answer["kind"] == last["token"] else None,
            }
        )


def _fragment(encoded: str | None) -> orjson.Fragment | None:
    return orjson.Fragment(encoded) if encoded is not None else None
