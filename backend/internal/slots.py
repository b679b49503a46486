"""What an execution of a limited workflow counts against: the workflow, or the value of its limit's key (PROTOCOL, row 4).

Told once for each execution, in bounded memory, however large its input or the value is.
"""

import asyncio
import hashlib
import json
from typing import Any
from uuid import UUID

import asyncpg
import orjson
import structlog

from backend.blobs import uses
from backend.blobs.store import DatabaseStore, pieces
from backend.blobs.values import put_together
from backend.db import is_away
from trestle.contracts.jobs import BlobRef
from trestle.language import LanguageError, Reference, Scope, Template, Unloaded, compile_config, content, references_in, replaced

MAX_LOADED = 16 * 1024 * 1024
"""Bytes of large values that are loaded for a key that looks into them."""
UNTOLD = "null"
"""How the slot ends of all whose key has no value or can't be told."""
_LONG = 500

log = structlog.get_logger(__name__)


async def slot_of(pool: "asyncpg.Pool[asyncpg.Record]", row: asyncpg.Record) -> str:
    """The slot of an execution (`id`, `workflow_id`, `trigger`, `input`, `input_refs`) whose workflow's limit has this `key`.

    A long value counts by its hash; one that itself is a large value by the hash of its bytes, as they were stored. A key that can't be
    told, since it fails or looks into more than 16 MB, shares one slot with all such.
    """
    if not row["key"]:
        return str(row["workflow_id"])
    try:
        told = _told(await _value(pool, row))
    except LanguageError:
        told = UNTOLD
    except Exception as error:  # one execution must not hold up whoever claims it together with others
        if is_away(error):
            raise
        log.warning("concurrency_key_untold", execution_id=str(row["id"]), exc_info=error)
        told = UNTOLD
    return f"{row['workflow_id']}:{told}"


def _told(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))  # of whole numbers of any size
    return text if len(text) <= _LONG else f"#{hashlib.sha256(text.encode()).hexdigest()}"


async def _value(pool: "asyncpg.Pool[asyncpg.Record]", row: asyncpg.Record) -> Any:
    template = compile_config({"key": row["key"]})
    if row["input_refs"] is None:
        return template.render(Scope(payload=orjson.loads(row["input"]), trigger=orjson.loads(row["trigger"])))["key"]
    stored = {pointer: BlobRef.model_validate(ref) for pointer, ref in orjson.loads(row["input_refs"]).items()}
    refs = await uses.used(pool, row["id"], stored)
    payload, store = put_together(orjson.loads(row["input"]), refs), DatabaseStore(pool)
    opened: dict[UUID, Any] = {}
    loaded = 0
    while True:
        try:
            value = await asyncio.to_thread(_rendered, template, payload, row["trigger"], opened)
        except Unloaded as missing:
            loaded += sum(reference.size for reference in missing.references)
            if loaded > MAX_LOADED:
                return None
            for reference in missing.references:
                data = b"".join([piece async for piece in pieces(store, reference.id)])
                opened[reference.id] = await asyncio.to_thread(content, reference.media_type, data)
            continue
        return await _comparable(store, value)


def _rendered(template: Template, payload: Any, trigger: str, opened: dict[UUID, Any]) -> Any:
    at_hand = replaced(payload, lambda one: Reference(one.id, one.size, one.media_type, opened))
    return template.render(Scope(payload=at_hand, trigger=orjson.loads(trigger), references=True))["key"]


async def _comparable(store: DatabaseStore, value: Any) -> Any:
    """The value with a hash in the place of each large one."""
    hashes = {reference.id: await _hash(store, reference.id) for reference in references_in(value)}
    return replaced(value, lambda reference: {"sha256": hashes[reference.id]})


async def _hash(store: DatabaseStore, blob_id: UUID) -> str:
    digest = hashlib.sha256()
    async for piece in pieces(store, blob_id):
        digest.update(piece)
    return digest.hexdigest()
