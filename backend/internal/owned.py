"""The fence for what running steps ask: is this execution still this executor's, under this epoch?"""

from typing import TypeAlias
from uuid import UUID

import asyncpg

from backend.errors import NotFound

Database: TypeAlias = "asyncpg.Pool[asyncpg.Record] | asyncpg.pool.PoolConnectionProxy[asyncpg.Record] | asyncpg.Connection[asyncpg.Record]"

# Paused as well: its running steps finish under the same epoch.
_OWNED = """
select e.id, e.status, e.project_id, e.workflow_id, e.snapshot_id, e.kind, e.task, e.depth, e.seed
from executions e where e.id = $1 and e.epoch = $2 and e.executor_id = $3
    and e.status in ('running', 'paused') and e.lease_until is not null
"""
_HELD = _OWNED + "for share"


async def owned(database: Database, executor_id: UUID, execution_id: UUID, epoch: int, *, hold: bool = False) -> asyncpg.Record:
    """id, status, project_id, workflow_id (None: a check), snapshot_id, kind, task (JSON text), depth and seed of the execution.

    `hold`: it stays so until the end of the caller's transaction; nobody can end or take it meanwhile.

    Raises:
        NotFound: it is not the executor's under that epoch (any more).
    """
    row = await database.fetchrow(_HELD if hold else _OWNED, execution_id, epoch, executor_id)
    if row is None:
        raise NotFound("This executor does not own that execution under that epoch.")
    return row
