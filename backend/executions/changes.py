"""What changed in executions since somebody last looked: whole states, so that a repeat is harmless (PROTOCOL, row 19)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from backend.db import readable
from trestle.contracts.states import FAILED_ITEMS

_EXECUTIONS = """
select e.id, e.workflow_id, e.status, e.error, e.failed_steps, e.created_at, e.started_at, e.finished_at, e.event_seq
from unnest($1::uuid[], $2::bigint[]) as k (id, since) join executions e on e.id = k.id and e.event_seq > k.since
where e.kind = 'run' order by e.id
"""

_STEPS = """
select s.execution_id, s.node, s.status, s.attempt, s.item, s.port, s.started_at, s.duration_ms, s.event_seq,
    case when s.status = 'waiting' then s.due_at end as due_at,
    case when s.status = 'waiting' then {wait} ->> 'reason' end as reason,
    case when s.status = 'waiting' then s.token end as waits_for,
    case
        when s.item is not null then null
        when json_typeof(s.output) = 'array' then json_array_length(s.output)
        when s.port is not null and json_typeof(s.items) = 'array' then json_array_length(s.items)
    end as items,
    case when s.status = 'succeeded' then ({wait} ->> '{failed_items}')::int end as failed_items
from unnest($1::uuid[], $2::bigint[]) as k (id, since) join steps s on s.execution_id = k.id and s.event_seq > k.since
order by s.execution_id, s.event_seq, s.id
""".replace("{wait}", readable("s.wait")).replace("{failed_items}", FAILED_ITEMS)

_LOGS = """
select id, execution_id, node, level, message, at from execution_logs where execution_id = $1 and id > $2 order by id limit 500
"""


@dataclass(frozen=True, slots=True)
class Event:
    """One state. `name` is `execution`, `step` or `log`; `data` is its JSON, an `ExecutionEvent`, a `StepEvent` or a log line."""

    name: str
    execution_id: UUID
    seq: int
    data: bytes
    finished: bool = False


async def since(pool: "asyncpg.Pool[asyncpg.Record]", seen: Mapping[UUID, int]) -> list[Event]:
    """Everything that changed in these executions after the event_seq `seen` of each: the steps, then the execution itself."""
    arguments = list(seen), list(seen.values())
    # In this order: an execution that is read as finished has all of its steps in the table by then.
    executions = await pool.fetch(_EXECUTIONS, *arguments)
    if not executions:
        return []
    steps: dict[UUID, list[Event]] = {row["id"]: [] for row in executions}
    for row in await pool.fetch(_STEPS, *arguments):
        if row["execution_id"] in steps:
            steps[row["execution_id"]].append(Event("step", row["execution_id"], row["event_seq"], _encode(row)))
    found = []
    for row in executions:
        told = steps[row["id"]]
        seq = max([row["event_seq"], *(event.seq for event in told)])
        told.append(Event("execution", row["id"], seq, _encode(row), finished=row["finished_at"] is not None))
        found += told
    return found


async def finished(pool: "asyncpg.Pool[asyncpg.Record]", execution_id: UUID) -> bool:
    """Whether the execution has ended, or is gone."""
    return not await pool.fetchval("select exists (select from executions where id = $1 and finished_at is null)", execution_id)


async def logs(pool: "asyncpg.Pool[asyncpg.Record]", execution_id: UUID, after: UUID) -> list[tuple[UUID, bytes]]:
    """Log lines after the one with the id `after`, as `(id, JSON)`; at most 500."""
    return [(row["id"], _encode(row, without=("id",))) for row in await pool.fetch(_LOGS, execution_id, after)]


def _encode(row: asyncpg.Record, without: tuple[str, ...] = ()) -> bytes:
    told: dict[str, Any] = {name: str(value) if isinstance(value, UUID) else value for name, value in row.items() if name not in without}
    told.pop("event_seq", None)
    if "id" in told:
        told = {"execution_id": told.pop("id"), **told}
    if told.get("error") is not None:
        told["error"] = orjson.Fragment(told["error"])
    return orjson.dumps(told, option=orjson.OPT_UTC_Z)
