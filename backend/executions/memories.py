"""`POST /internal/v1/remember`: what a node has seen in earlier executions of its workflow."""

from uuid import UUID

import asyncpg

from backend.errors import Unprocessable
from backend.internal.owned import owned
from trestle.contracts.jobs import Remembered, RememberRequest

# In one order everywhere, so that two executions that remember the same can't lock each other out.
_REMEMBER = """
insert into memories (workflow_id, node, mark, key)
select $1, $2, mark, $4 from unnest($3::bytea[]) mark order by mark
on conflict (workflow_id, node, mark) do update set key = excluded.key, seen_at = now()
    where memories.seen_at < now() - make_interval(secs => $5)
"""

# A step that runs again finds what it has remembered itself, which is as new to it as the first time.
_KNOWN = """
select mark from memories where workflow_id = $1 and node = $2 and mark = any($3::bytea[]) and key <> $4
    and seen_at >= now() - make_interval(secs => $5)
"""
_FORGET = """
delete from memories where ctid = any(array(
    select ctid from memories where workflow_id = $1 and node = $2 and seen_at < now() - make_interval(secs => $3)
    order by seen_at limit 1000 for update skip locked
))
"""


async def remember(pool: "asyncpg.Pool[asyncpg.Record]", executor_id: UUID, asked: RememberRequest) -> Remembered:
    """Which marks are new to the node.

    Raises:
        NotFound: the execution is not the executor's under that epoch (any more).
        Unprocessable: a mark is no hex.
    """
    try:
        marks = [bytes.fromhex(mark) for mark in asked.marks]
    except ValueError:
        raise Unprocessable("A mark is hexadecimal.") from None
    async with pool.acquire() as connection, connection.transaction():
        execution = await owned(connection, executor_id, asked.execution_id, asked.epoch, hold=True)
        place = execution["workflow_id"], asked.node
        if not asked.only_look:
            await connection.execute(_REMEMBER, *place, marks, asked.key, asked.forget_after_s)
        rows = await connection.fetch(_KNOWN, *place, marks, asked.key, asked.forget_after_s)
        await connection.execute(_FORGET, *place, asked.forget_after_s)
    known = {row["mark"] for row in rows}
    return Remembered(fresh=[mark not in known for mark in marks])
