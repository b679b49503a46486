"""Credentials for a step that names them, while its execution is owned."""

from typing import Any
from uuid import UUID

import asyncpg
import orjson

from backend.errors import NotFound

_OWNED = """
select e.project_id, s.graph from executions e join snapshots s on s.id = e.snapshot_id
where e.id = $1 and e.epoch = $2 and e.executor_id = $3 and e.status = 'running'
"""


async def project_that_lends(
    pool: "asyncpg.Pool[asyncpg.Record]", executor_id: UUID, execution_id: UUID, epoch: int, node: str, credential_id: UUID
) -> UUID:
    """The project whose credential the step may read.

    Raises:
        NotFound: the execution is not the executor's (any more), or that node of its snapshot names no such credential.
    """
    row = await pool.fetchrow(_OWNED, execution_id, epoch, executor_id)
    if row is None:
        raise NotFound("This executor does not own that execution under that epoch.")
    for found in orjson.loads(row["graph"])["nodes"]:
        if found["key"] == node and _names(found.get("config"), str(credential_id)):
            project_id: UUID = row["project_id"]
            return project_id
    raise NotFound(f"Node {node} does not use this credential.")


def _names(config: Any, credential_id: str) -> bool:
    if isinstance(config, dict):
        return any(_names(value, credential_id) for value in config.values())
    if isinstance(config, list):
        return any(_names(value, credential_id) for value in config)
    return bool(config == credential_id)
