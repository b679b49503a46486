"""Credentials for a step that names them, while its execution is owned."""

from typing import Any
from uuid import UUID

import asyncpg
import orjson

from backend.errors import NotFound
from backend.internal.owned import owned
from trestle.contracts.jobs import CheckTask

_GRAPH = "select graph from snapshots where id = $1"


async def project_that_lends(
    pool: "asyncpg.Pool[asyncpg.Record]", executor_id: UUID, execution_id: UUID, epoch: int, node: str, credential_id: UUID
) -> tuple[UUID, CheckTask | None]:
    """The project whose credential the step may read. A check has no node: it may read the one that it is to try out, which is in its
    task where it is not kept yet.

    Raises:
        NotFound: the execution is not the executor's (any more), or that node of its snapshot names no such credential.
    """
    execution = await owned(pool, executor_id, execution_id, epoch)
    project_id: UUID = execution["project_id"]
    if execution["kind"] == "check":
        task = CheckTask.model_validate_json(execution["task"])
        if task.credential_id == credential_id:
            return project_id, task if task.sealed else None
        raise NotFound("This check is of another credential.")
    graph = orjson.loads(await pool.fetchval(_GRAPH, execution["snapshot_id"]))
    for found in graph["nodes"]:
        if found["key"] == node and _names(found.get("config"), str(credential_id)):
            return project_id, None
    raise NotFound(f"Node {node} does not use this credential.")


def _names(config: Any, credential_id: str) -> bool:
    if isinstance(config, dict):
        return any(_names(value, credential_id) for value in config.values())
    if isinstance(config, list):
        return any(_names(value, credential_id) for value in config)
    return bool(config == credential_id)
