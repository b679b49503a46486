"""Which trigger listens on which path: a memory of the database, in each process.

Only a hint. Accepting joins the trigger's own row, so an entry that went stale starts nothing; it is then read again.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from backend.triggers.calls import Bucket
from trestle.contracts.base import EncodedJson

_MAX_PATHS = 10_000

_ROUTES = """
select r.method, t.id, t.node, t.workflow_id, t.config, w.project_id
from webhook_routes r join triggers t on t.id = r.trigger_id join workflows w on w.id = t.workflow_id
where r.path = $1 and w.enabled
"""


_COLUMNS = ("id", "workflow_id", "project_id", "node", "config")


@dataclass(frozen=True, slots=True)
class Webhook:
    """A webhook trigger of a published, enabled workflow, and its node's config."""

    trigger_id: UUID
    workflow_id: UUID
    project_id: UUID
    node: str
    config: dict[str, Any]
    auth: dict[str, Any]
    plain: bool
    """Open to all, answered at once, every call counts: nothing stands between the call and its execution."""
    bucket: Bucket
    """How often its path may be called."""


class Directory:
    """Webhooks by path and method. `rate`: how many calls a second a path takes."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", rate: float) -> None:
        self._pool = pool
        self._rate = rate
        self._paths: dict[str, dict[str, Webhook]] = {}

    def remembered(self, path: str, method: str) -> Webhook | None:
        """What was there when last looked."""
        methods = self._paths.get(path)
        return methods.get(method) if methods is not None else None

    async def look_up(self, path: str) -> dict[str, Webhook]:
        """What is there now, by method. Empty where nothing listens on `path`."""
        rows = await self._pool.fetch(_ROUTES, path) if "\0" not in path else []  # which no text in PostgreSQL holds
        before = next(iter(self._paths.get(path, {}).values()), None)
        bucket = Bucket(self._rate) if before is None else before.bucket
        found = {
            row["method"]: webhook(row["id"], row["workflow_id"], row["project_id"], row["node"], row["config"], bucket) for row in rows
        }
        self._paths.pop(path, None)
        if found:
            while len(self._paths) >= _MAX_PATHS:
                del self._paths[next(iter(self._paths))]
            self._paths[path] = found
        return found


def webhook(trigger_id: UUID, workflow_id: UUID, project_id: UUID, node: str, encoded: EncodedJson, bucket: Bucket) -> Webhook:
    """A webhook whose node has this config."""
    config = orjson.loads(encoded)
    auth = config.get("auth") or {}
    plain = auth.get("kind", "none") == "none" and config.get("respond", "immediately") == "immediately" and not config.get("dedupe")
    return Webhook(trigger_id, workflow_id, project_id, node, config, auth, plain, bucket)
