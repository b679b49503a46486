"""Workflows that start because an execution failed: those with an enabled error trigger for it, and the one its settings name."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from backend.db import readable
from backend.executions.births import Birth, insert
from backend.executions.doorbell import Change
from backend.executions.resolutions import Connection

KIND = "error"

# A test run of a single node is no failure of its workflow; of failed polls, the trigger that fails tells (trigger_failures), once;
# a failure inside of an error execution, or of what that called in its
# turn, starts no further one.
_FAILED = """
with recursive callers as (
    select id as failed_id, parent_id, trigger from executions where id = any($1::uuid[])
    union all
    select c.failed_id, p.parent_id, p.trigger from callers c join executions p on p.id = c.parent_id
)
select e.id, e.project_id, e.workflow_id, w.name, e.status, e.error, {settings} ->> 'error_workflow' as named, now() as now
from executions e join workflows w on w.id = e.workflow_id join snapshots s on s.id = e.snapshot_id
where e.id = any($1::uuid[]) and e.status in ('failed', 'quarantined') and e.kind = 'run'
    and e.only_node is null and not exists (select from callers c where c.failed_id = e.id and {trigger} ->> 'kind' = 'error')
""".replace("{settings}", f"({readable('s.graph')} -> 'settings')").replace("{trigger}", readable("c.trigger"))

_LISTENERS = """
select t.id, t.workflow_id, t.node, t.config, w.project_id, w.enabled
from triggers t join workflows w on w.id = t.workflow_id
where t.kind = 'error' and w.project_id = any($1::uuid[])
order by t.workflow_id, t.node
"""


async def start(connection: Connection, ended: Sequence[UUID]) -> list[Change]:
    """The executions that the failed ones among `ended` start, to be pushed and rung for after the commit.

    Each workflow starts once for each failed execution, never for one of its own.
    """
    failed = await connection.fetch(_FAILED, ended)
    if not failed:
        return []
    listeners = await connection.fetch(_LISTENERS, list({row["project_id"] for row in failed}))
    births = [_birth(row, trigger) for row in failed for trigger in _wanted(row, listeners)]
    born = await insert(connection, births) if births else []
    return [Change(one.execution_id, one.workflow_id, 1) for one in born if one is not None and one.fresh]


def _wanted(failed: asyncpg.Record, listeners: Iterable[asyncpg.Record]) -> Iterator[asyncpg.Record]:
    """One trigger of each workflow that is to hear of it."""
    told: set[UUID] = {failed["workflow_id"]}
    for trigger in listeners:
        if trigger["workflow_id"] in told or trigger["project_id"] != failed["project_id"]:
            continue
        named = str(trigger["workflow_id"]) == failed["named"]
        if named or (trigger["enabled"] and _hears(orjson.loads(trigger["config"]), str(failed["workflow_id"]))):
            told.add(trigger["workflow_id"])
            yield trigger


def _hears(config: Any, workflow_id: str) -> bool:
    """Whether an error trigger listens to this workflow. Without a choice it listens to all."""
    chosen = config.get("workflows", "all")
    return bool(chosen == "all" or (isinstance(chosen, list) and (workflow_id in chosen or "all" in chosen)))


def _birth(failed: asyncpg.Record, trigger: asyncpg.Record) -> Birth:
    error = orjson.loads(failed["error"]) if failed["error"] is not None else None
    workflow_id, execution_id = str(failed["workflow_id"]), str(failed["id"])
    payload = {
        "workflow": {"id": workflow_id, "name": failed["name"]},
        "execution": {"id": execution_id, "status": failed["status"], "error": error},
    }
    if error and error.get("node"):
        payload["node"] = error["node"]
    circumstances = {"kind": KIND, "node": trigger["node"], "execution_id": execution_id, "workflow_id": workflow_id, "at": failed["now"]}
    return Birth(
        trigger["id"],
        orjson.dumps(circumstances).decode(),
        orjson.dumps(payload).decode(),
        dedupe_key=f"error:{execution_id}",
        even_disabled=True,
    )
