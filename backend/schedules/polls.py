"""What polls found: the new cursor, an execution for each event and the next time to ask, in one transaction (PROTOCOL, jobs)."""

import hashlib
from collections.abc import Mapping
from uuid import UUID

import asyncpg
import orjson

from backend.blobs.service import encoded_refs
from backend.db import encode_json
from backend.executions.births import Birth, insert
from trestle.contracts.jobs import Polled, PolledEvent

_LONGEST_ID = 200

# Only the poll that the trigger waits for counts: of one that was given up, or was asked of a trigger that is gone or disabled
# by now, nothing is kept. Its events will be found again from the old cursor.
_ASKED = """
select e.id as poll_id, t.id, t.node, t.kind, now() as now
from executions e join triggers t on t.workflow_id = e.workflow_id and t.poll_id = e.id join workflows w on w.id = t.workflow_id
where e.id = any($1::uuid[]) and e.kind = 'poll' and w.enabled
order by t.id for no key update of t
"""

# In this order, as publishing locks them: the new executions refer to the workflow.
_LOCK = "select from workflows where id in (select workflow_id from executions where id = any($1::uuid[])) order by id for key share"

_DONE = """
update triggers t set state = d.state, poll_id = null, failures = 0, error = null,
    due_at = now() + make_interval(secs => t.poll_every_s), last_fired_at = case when d.fired then now() else t.last_fired_at end
from unnest($1::uuid[], $2::json[], $3::boolean[]) as d (id, state, fired) where d.id = t.id
"""


async def record(
    connection: "asyncpg.Connection[asyncpg.Record] | asyncpg.pool.PoolConnectionProxy[asyncpg.Record]", polled: Mapping[UUID, Polled]
) -> list[tuple[UUID, UUID]]:
    """What succeeded polls found, by the poll's execution: to be called in the transaction that ends those executions, and only
    for those whose report passed the fence.

    Writes each trigger's new cursor and next due time, and an execution for each event that has none yet. Returns the new
    executions with their workflows, for `Acceptor.announce` after the commit. Failed polls need no call: the scheduler sees them.
    """
    await connection.execute(_LOCK, list(polled))
    asked = await connection.fetch(_ASKED, list(polled))
    births = {
        (row["id"], key): Birth(row["id"], _trigger(row, event), encode_json(event.payload), encoded_refs(event.refs), dedupe_key=key)
        for row in asked
        for event in polled[row["poll_id"]].events
        for key in [dedupe_key(row["node"], event.id)]
    }
    born = await insert(connection, list(births.values())) if births else []
    states = [encode_json(polled[row["poll_id"]].state) for row in asked]
    await connection.execute(_DONE, [row["id"] for row in asked], states, [bool(polled[row["poll_id"]].events) for row in asked])
    return [(one.execution_id, one.workflow_id) for one in born if one is not None and one.fresh]


def dedupe_key(node: str, event_id: str) -> str:
    """What makes an event start its workflow once. An id that no column takes as it is counts by its hash."""
    if len(event_id) > _LONGEST_ID or "\0" in event_id:
        event_id = hashlib.sha256(event_id.encode(errors="surrogatepass")).hexdigest()
    return f"poll:{node}:{event_id}"


def _trigger(row: asyncpg.Record, event: PolledEvent) -> str:
    said = {"kind": row["kind"], "node": row["node"], "event_id": event.id.replace("\0", "\N{SYMBOL FOR NULL}"), "fired_at": row["now"]}
    return orjson.dumps(said).decode()
