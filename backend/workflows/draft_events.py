"""What streams tell about a draft: each revision, with the operations that led to it."""

from typing import Any
from uuid import UUID

import asyncpg
import orjson

from trestle.contracts.workflows import DraftEvent

_SINCE = """
select revision, user_id, count(*) filter (where body is null) as other, json_agg(body order by place) as bodies,
    json_agg(touched) as touched
from operations where workflow_id = $1 and revision > $2 group by revision, user_id order by revision
"""
_REVISION_AT = """
select coalesce(min(o.revision) - 1, min(w.revision)) from workflows w
left join operations o on o.workflow_id = w.id and o.created_at >= to_timestamp($2::float8 / 1000) where w.id = $1
"""


async def revision_at(pool: "asyncpg.Pool[asyncpg.Record]", workflow_id: UUID, moment_ms: int) -> int:
    """The draft's revision at a Unix time in milliseconds; what came since is told."""
    found: int | None = await pool.fetchval(_REVISION_AT, workflow_id, float(moment_ms))
    return found or 0


async def since(pool: "asyncpg.Pool[asyncpg.Record]", workflow_id: UUID, revision: int) -> list[tuple[int, bytes]]:
    """Every revision after `revision` with its `DraftEvent` as JSON."""
    rows = await pool.fetch(_SINCE, workflow_id, revision)
    return [(row["revision"], _event(row)) for row in rows]


def _event(row: Any) -> bytes:
    operations = [] if row["other"] else orjson.loads(row["bodies"])
    touched = sorted({path for paths in orjson.loads(row["touched"]) for path in paths})
    event = DraftEvent.model_construct(revision=row["revision"], operations=operations, touched=touched, user=row["user_id"])
    return event.model_dump_json(warnings=False).encode()
