"""Claiming: queued → running, for one executor, under a lease and a new epoch (PROTOCOL, row 4)."""

from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from backend.executions.doorbell import Change, Doorbell
from backend.executions.guards import guarded
from backend.internal import limits
from backend.internal.history import NOTHING, Recorded, recorded
from backend.internal.taking import JOB, LEASE_S, TAKE
from trestle.contracts.jobs import Claim

_UNLIMITED = TAKE.replace("{slot}", "null").replace("{limit}", "$4")
_TAKE_THESE = _UNLIMITED.replace("{which}", "e.id = any($5::uuid[]) and not s.limited")
_TAKE_ANY = _UNLIMITED.replace("{which}", "not s.limited")

_TAKEN_BEFORE = """
select {job} from executions e join workflows w on w.id = e.workflow_id
where e.status = 'running' and e.executor_id = $1 and e.claim_id = $2
""".replace("{job}", JOB)

_REFUSE = guarded("""
with refused as (
    select e.id, (select array_agg(t order by t) from unnest(s.types) t where not t = any(x.types)) as missing
    from executions e join snapshots s on s.id = e.snapshot_id join executors x on x.id = $1
    where e.id = any($2::uuid[]) and {e may claim} and not s.types <@ x.types
    for no key update of e skip locked
)
update executions e set reason = 'No executor offers ' || array_to_string(refused.missing, ', ') || '.'
from refused where e.id = refused.id
returning e.id, e.reason
""")


async def claim(pool: "asyncpg.Pool[asyncpg.Record]", doorbell: Doorbell, executor_id: UUID, wanted: Claim) -> bytes:
    """What the executor got of what it `wanted`: a `Claimed`, encoded.

    The same `claim_id` again gets what it got the first time, as far as the executor still owns it.
    """
    refused: dict[str, str] = {}
    if wanted.ids:
        rows = await pool.fetch(_TAKE_THESE, executor_id, wanted.claim_id, LEASE_S, len(wanted.ids), wanted.ids)
        if len(rows) < len(wanted.ids):
            left = {*wanted.ids} - {row["id"] for row in rows}
            before = [row for row in await pool.fetch(_TAKEN_BEFORE, executor_id, wanted.claim_id) if row["id"] in left]
            before += await limits.take(pool, executor_id, wanted.claim_id, list(left - {row["id"] for row in before}))
            rows += before
            left -= {row["id"] for row in before}
            refused = {str(row["id"]): row["reason"] for row in await pool.fetch(_REFUSE, executor_id, list(left))}
    else:
        rows = await pool.fetch(_TAKEN_BEFORE, executor_id, wanted.claim_id)
        if not rows:
            rows = await pool.fetch(_TAKE_ANY, executor_id, wanted.claim_id, LEASE_S, wanted.limit)
            if len(rows) < wanted.limit:
                rows += await limits.take_any(pool, executor_id, wanted.claim_id, wanted.limit - len(rows))
    now: datetime = rows[0]["now"] if rows else await pool.fetchval("select now()")
    begun_before = [row["id"] for row in rows if row["epoch"] > 1 or row["retry_of"] or row["only_node"]]
    steps = await recorded(pool, begun_before) if begun_before else {}
    doorbell.ring(Change(row["id"], row["workflow_id"], row["event_seq"]) for row in rows)
    return orjson.dumps({"now": now, "jobs": [_job(row, steps.get(row["id"], NOTHING)) for row in rows], "refused": refused})


def _job(row: asyncpg.Record, steps: Recorded) -> dict[str, Any]:
    """A `Job` (contracts.jobs), ready to encode: what is JSON in the database is not read on its way."""
    return {
        "execution_id": str(row["id"]),
        "epoch": row["epoch"],
        "project_id": str(row["project_id"]),
        "workflow_id": str(row["workflow_id"]),
        "workflow_name": row["workflow_name"],
        "version": row["version"],
        "snapshot_id": row["snapshot_id"],
        "trigger": orjson.Fragment(row["trigger"]),
        "input": row["input"],
        "input_refs": orjson.Fragment(row["input_refs"] or "{}"),
        "seed": row["seed"],
        "attempt": row["attempt"],
        "created_at": row["created_at"],
        "until": row["until_node"],
        "only": row["only_node"],
        "finished": steps.finished,
        "open": steps.open,
    }
