"""Blobs that nothing uses, and uploads that were given up, go away in bounded batches."""

import asyncio

import asyncpg
import structlog

from backend.background import for_ever, stop
from backend.blobs.store import BlobStore
from backend.db import is_away

EVERY_S = 60.0
UNUSED_AFTER_S = 3600.0
"""Between a blob's completion and the commit of what refers to it."""
GIVEN_UP_AFTER_S = 7200.0
"""Longer than any node's call may take, so longer than any upload that is still going on."""
BATCH = 100

log = structlog.get_logger(__name__)

_FIND = """
select b.id from blobs b
where b.created_at < now() - make_interval(secs => $1)
    and (not b.complete and b.created_at < now() - make_interval(secs => $2)
        or b.complete and not exists (select from blob_uses u where u.blob_id = b.id))
limit $3 for update of b skip locked
"""
_DELETE = "delete from blobs b where b.id = any($1::uuid[]) and not exists (select from blob_uses u where u.blob_id = b.id)"


async def tidy(pool: "asyncpg.Pool[asyncpg.Record]", store: BlobStore, *, batch: int = BATCH) -> int:
    """Removes at most one batch; how many blobs were removed."""
    async with pool.acquire() as connection, connection.transaction():
        found = [row["id"] for row in await connection.fetch(_FIND, UNUSED_AFTER_S, GIVEN_UP_AFTER_S, batch)]
        if found:
            await connection.execute(_DELETE, found)
    if found:
        await store.drop(found)
    return len(found)


class Tidier:
    """Tidies once a minute for as long as it runs. Any number of backends may: none waits for another's rows."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", store: BlobStore) -> None:
        self._pool = pool
        self._store = store
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin."""
        self._task = asyncio.create_task(for_ever("blobs", self._tidy_for_ever))

    async def aclose(self) -> None:
        """End."""
        await stop(self._task)

    async def _tidy_for_ever(self) -> None:
        while True:
            await asyncio.sleep(EVERY_S)
            try:
                removed = await tidy(self._pool, self._store)
            except Exception as error:
                if not is_away(error):
                    raise
                log.warning("tidying_failed", error=f"{type(error).__name__}: {error}")
            else:
                if removed:
                    log.info("blobs_removed", blobs=removed)
