"""Claiming: queued → running, for one executor, under a lease and a new epoch (PROTOCOL, row 4)."""

import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from backend.executions.doorbell import Change, Doorbell
from backend.executions.guards import guarded
from backend.internal import limits
from backend.internal.history import NOTHING, Recorded, recorded
from backend.internal.limits import Taker
from backend.internal.taking import JOB, LEASE_S, TAKE, in_lane
from trestle.contracts.jobs import CheckTask, Claim, Lane
from trestle.contracts.resume_tokens import resume_key

_UNLIMITED = TAKE.replace("{slot}", "null").replace("{limit}", "$4")
_TAKE_THESE = in_lane(_UNLIMITED.replace("{which}", "e.id = any($5::uuid[]) and (not s.limited or e.kind = 'poll')"))
_TAKE_ANY = in_lane(_UNLIMITED.replace("{which}", "(not s.limited or e.kind = 'poll')"))

_TAKEN_BEFORE = """
select {job} from executions e join snapshots s on s.id = e.snapshot_id left join workflows w on w.id = e.workflow_id
where e.status = 'running' and e.executor_id = $1 and e.claim_id = $2
""".replace("{job}", JOB)

# The index `executions_suspect` holds just these.
_SUSPECTS = "select exists (select from executions where status = 'queued' and interruptions >= 3)"
_LOOK_AGAIN_S = 1.0

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


class Claims:
    """Gives executions to executors. `secret` makes resume tokens; `public_url` is the instance's address."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", doorbell: Doorbell, secret: str, public_url: str) -> None:
        self._pool = pool
        self._doorbell = doorbell
        self._secret = secret
        self._public_url = public_url
        self._suspects = False
        self._looked_at = 0.0

    async def claim(self, executor_id: UUID, lane: Lane, wanted: Claim) -> bytes:
        """What the executor got of what it `wanted`: a `Claimed`, encoded. A quarantine lane gets suspects, or one with
        which a lane died before, and then nothing else.

        The same `claim_id` again gets what it got the first time, as far as the executor still owns it.
        """
        rows, refused = await self._take(Taker(executor_id, lane, wanted.claim_id), wanted)
        if lane == "quarantine" and not rows:
            rows, refused = await self._take(Taker(executor_id, "alone", wanted.claim_id), wanted.model_copy(update={"limit": 1}))
        now: datetime = rows[0]["now"] if rows else await self._pool.fetchval("select now()")
        begun_before = [row["id"] for row in rows if row["epoch"] > 1 or row["retry_of"] or row["only_node"]]
        steps = await recorded(self._pool, begun_before) if begun_before else {}
        self._doorbell.ring(Change(row["id"], row["workflow_id"], row["event_seq"]) for row in rows)
        jobs = [self._job(row, steps.get(row["id"], NOTHING)) for row in rows]
        quarantine = lane == "main" and await self._suspects_wait()
        return orjson.dumps({"now": now, "jobs": jobs, "refused": refused, "quarantine": quarantine})

    async def _take(self, taker: Taker, wanted: Claim) -> tuple[list[asyncpg.Record], dict[str, str]]:
        if not wanted.ids:
            return await self._any(taker, wanted.limit), {}
        return await self._these(taker, wanted.ids, len(wanted.ids) if taker.way == "main" else wanted.limit)

    async def _these(self, taker: Taker, ids: Sequence[UUID], limit: int) -> tuple[list[asyncpg.Record], dict[str, str]]:
        """What was got of these ids, and why others stay queued."""
        rows = await self._pool.fetch(_TAKE_THESE[taker.way], taker.executor_id, taker.claim_id, LEASE_S, limit, ids)
        if len(rows) == len(ids):
            return rows, {}
        left = {*ids} - {row["id"] for row in rows}
        rows += [row for row in await self._pool.fetch(_TAKEN_BEFORE, taker.executor_id, taker.claim_id) if row["id"] in left]
        left -= {row["id"] for row in rows}
        if len(rows) < limit:
            rows += await limits.take(self._pool, taker, list(left), limit - len(rows))
            left -= {row["id"] for row in rows}
        return rows, {str(row["id"]): row["reason"] for row in await self._pool.fetch(_REFUSE, taker.executor_id, list(left))}

    async def _any(self, taker: Taker, limit: int) -> list[asyncpg.Record]:
        """The oldest that it may have."""
        rows = await self._pool.fetch(_TAKEN_BEFORE, taker.executor_id, taker.claim_id)
        if not rows:
            rows = await self._pool.fetch(_TAKE_ANY[taker.way], taker.executor_id, taker.claim_id, LEASE_S, limit)
            if len(rows) < limit:
                rows += await limits.take_any(self._pool, taker, limit - len(rows))
        return rows

    async def _suspects_wait(self) -> bool:
        """Whether executions wait for a quarantine lane. Looked up once a second."""
        if time.monotonic() - self._looked_at >= _LOOK_AGAIN_S:
            self._looked_at = time.monotonic()
            self._suspects = await self._pool.fetchval(_SUSPECTS)
        return self._suspects

    def _job(self, row: asyncpg.Record, steps: Recorded) -> dict[str, Any]:
        """A `Job` (contracts.jobs), ready to encode: what is JSON in the database is not read on its way."""
        return {
            "execution_id": str(row["id"]),
            "epoch": row["epoch"],
            "project_id": str(row["project_id"]),
            "kind": row["kind"],
            "task": _task(row["kind"], row["task"]),
            "workflow_id": str(row["workflow_id"]) if row["workflow_id"] is not None else None,
            "workflow_name": row["workflow_name"] or "",
            "version": row["version"],
            "snapshot_id": row["snapshot_id"],
            "trigger": orjson.Fragment(row["trigger"]),
            "input": row["input"],
            "input_refs": orjson.Fragment(row["input_refs"] or "{}"),
            "variables": orjson.Fragment(row["variables"] or "{}"),
            "seed": row["seed"],
            "resume_key": resume_key(self._secret, row["id"]),
            "public_url": self._public_url,
            "depth": row["depth"],
            "attempt": row["attempt"],
            "created_at": row["created_at"],
            "until": row["until_node"],
            "only": row["only_node"],
            "finished": steps.finished,
            "open": steps.open,
        }


def _task(kind: str, task: str | None) -> Any:
    # What a check tries out before it is kept stays here: the executor asks for it when it begins.
    if task is None or kind != "check":
        return None if task is None else orjson.Fragment(task)
    return CheckTask.model_validate_json(task).model_dump(mode="json", exclude={"sealed"})
