"""Webhooks as tests publish and call them: their configs, their credentials, signatures as senders make them."""

import base64
import hashlib
import hmac
import json
from typing import Any
from uuid import uuid4

from tests.backend.executions.world import Backend, World


async def configured(world: World, **config: Any) -> None:
    """Publish the webhook `go` with this config."""
    trigger_id = uuid4()
    await world.pool.execute("delete from triggers")
    await world.pool.execute(
        "insert into triggers (id, workflow_id, node, kind, version, snapshot_id, config)"
        " select $1, $2, 'hook', 'webhook', 1, id, $3 from snapshots limit 1",
        trigger_id,
        world.workflow_id,
        json.dumps({"path": "go", **config}),
    )
    await world.pool.execute("insert into webhook_routes (path, method, trigger_id) values ('go', 'POST', $1)", trigger_id)


async def credential(backend: Backend, world: World, type_: str, data: dict[str, str]) -> str:
    """A credential of the world's project."""
    ident, vault = uuid4(), backend.app.state.services.vault
    await world.pool.execute(
        "insert into credentials (id, project_id, name, type, ciphertext, key_id, version, fields, set_fields)"
        " values ($1, $2, 'c', $3, $4, $5, 1, '{}', '{}')",
        ident,
        world.project_id,
        type_,
        vault.seal(data, project=world.project_id, credential=ident, version=1),
        vault.key_id,
    )
    return str(ident)


def digest(key: str | bytes, *signed: bytes) -> bytes:
    """HMAC-SHA256 of the parts, joined by dots."""
    return hmac.new(key.encode() if isinstance(key, str) else key, b".".join(signed), hashlib.sha256).digest()


def text64(data: bytes) -> str:
    """Base64."""
    return base64.b64encode(data).decode()
