"""What the end of an execution brings about: its parent's wait gets its answer, its children are cancelled, error workflows start.

Done once for each execution, in one transaction, whatever ended it: at once after every way to end, and by the sweep for what was
missed (a backend that died in between). Rows are locked from parents down to children.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple
from uuid import UUID

import asyncpg
import structlog

from backend.background import for_ever, stop
from backend.db import is_away, readable
from backend.executions import error_workflows
from backend.executions.cancelling import CANCEL
from backend.executions.doorbell import Change, Doorbell
from backend.executions.guards import guarded
from backend.executions.resolutions import ANSWERED_STEP, Connection
from backend.metrics import counters
from backend.queue import Queue
from trestle.contracts.jobs import Verdict

_BATCH = 500

log = structlog.get_logger(__name__)

# The index `executions_unsettled` holds just these.
_UNSETTLED = """
select id from executions where finished_at is not null and not settled
    and (parent_waits or calls or status <> 'succeeded') order by id limit $1
"""

# Several may tell of one end. Whoever comes late leaves its parent's row alone: who claims that just now would pass over it.
_FAMILIES = "select id, case when parent_waits then parent_id end as parent_id from executions where id = any($1::uuid[]) and not settled"

_LOCK_PARENT = "select status = 'queued' from executions where id = $1 for no key update"

_LOCK = """
select id, status, calls from executions where id = any($1::uuid[]) and finished_at is not null and not settled order by id
for no key update skip locked
"""

# Only the newest child of a step speaks for it; none to a parent that has ended.
_ANSWER_PARENT = guarded("""
insert into resolutions (execution_id, node, item, kind, answer, refs)
select c.parent_id, c.parent_node, c.parent_item, 'child',
    json_build_object('execution_id', c.id, 'status', c.status, 'output', c.output, 'error', c.error),
    (select json_object_agg('/output' || key, value) from json_each({refs}))
from executions c join executions e on e.id = c.parent_id and {e may cancel}
where c.id = any($1::uuid[]) and c.parent_waits
on conflict do nothing
""").replace("{refs}", readable("c.output_refs"))

_SHARE_BLOBS = """
insert into blob_uses (blob_id, execution_id)
select u.blob_id, $2 from blob_uses u join executions c on c.id = u.execution_id
where c.id = any($1::uuid[]) and c.output_refs is not null
    and u.blob_id in (select (value ->> 'id')::uuid from json_each({refs}))
on conflict do nothing
""".replace("{refs}", readable("c.output_refs"))

_WAKE_PARENT = guarded("""
update executions e set status = {to wake}, wake_at = null, last_push = now(), event_seq = e.event_seq + 1
where e.id = $1 and {e may wake} and exists ({step})
returning e.id, e.workflow_id, e.event_seq
""").replace("{step}", ANSWERED_STEP)

_CANCEL_CHILDREN = CANCEL.replace("{which}", "e.parent_id = any($1::uuid[]) and e.parent_waits")

_SETTLED = "update executions set settled = true where id = any($1::uuid[])"


class Brought(NamedTuple):
    """What a settlement did, to be told after its commit."""

    woken: list[Change]
    cancelled: list[Change]
    started: list[Change]
    failed: list[str]
    """The statuses of those that ended otherwise than `succeeded`."""
    held_up: bool = False
    """The parent was queued already. Whoever wanted to claim it meanwhile has passed over it."""


class Settler:
    """Settles in the background what it is told of."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", queue: Queue, doorbell: Doorbell) -> None:
        self._pool = pool
        self._queue = queue
        self._doorbell = doorbell
        self._ended: dict[UUID, None] = {}
        self._wake = asyncio.Event()
        self._worker: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to settle."""
        self._worker = asyncio.create_task(for_ever("settle", self._settle_for_ever))

    async def aclose(self) -> None:
        """Stop. What is left is found by the next sweep."""
        await stop(self._worker)

    def soon(self, ended: Iterable[UUID]) -> None:
        """These executions have ended, and that is committed."""
        self._ended.update(dict.fromkeys(ended))
        if self._ended:
            self._wake.set()

    async def missed(self) -> None:
        """Looks for what nobody told of."""
        self.soon([row["id"] for row in await self._pool.fetch(_UNSETTLED, _BATCH)])

    async def _settle_for_ever(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._ended:
                ended = list(self._ended)[:_BATCH]
                for ident in ended:
                    del self._ended[ident]
                try:
                    await self._settle_all(ended)
                except Exception as error:
                    if not is_away(error):
                        raise
                    log.warning("settling_failed", error=f"{type(error).__name__}: {error}", executions=len(ended))

    async def _settle_all(self, ended: Sequence[UUID]) -> None:
        families: dict[UUID | None, list[UUID]] = defaultdict(list)
        for row in await self._pool.fetch(_FAMILIES, ended):
            families[row["parent_id"]].append(row["id"])
        for parent_id, children in families.items():
            await self._settle_family(parent_id, children)

    async def _settle_family(self, parent_id: UUID | None, children: Sequence[UUID]) -> None:
        try:
            async with self._pool.acquire() as connection, connection.transaction():
                brought = await settle(connection, children, parent_id)
        except Exception as error:
            if is_away(error):
                raise
            if len(children) > 1:  # one that can't be settled, for whatever reason, does not hold up the others
                for child in children:
                    await self._settle_family(parent_id, [child])
            else:
                log.error("settling_failed", execution_id=str(children[0]), error=f"{type(error).__name__}: {error}")
            return
        counters.failed(brought.failed)
        self._queue.push([change.execution_id for change in brought.woken], first=True)
        self._queue.push([change.execution_id for change in brought.started])
        for change in brought.cancelled:
            self._queue.tell(change.execution_id, Verdict.CANCEL)
        if parent_id is not None and brought.held_up:
            self._queue.push([parent_id], first=True)
        elif parent_id is not None and not brought.woken:
            self._queue.tell(parent_id, Verdict.CONTINUE)
        self._doorbell.ring([*brought.woken, *brought.cancelled, *brought.started])
        self.soon([change.execution_id for change in brought.cancelled])


async def settle(connection: Connection, ended: Sequence[UUID], parent_id: UUID | None = None) -> Brought:
    """Settles these ended executions, those whose end `parent_id` waits for or those that nobody waits for, in the caller's transaction.

    What was settled before, or is being settled elsewhere just now, is left alone.
    """
    held_up = parent_id is not None and bool(await connection.fetchval(_LOCK_PARENT, parent_id))
    rows = await connection.fetch(_LOCK, ended)
    ids = [row["id"] for row in rows]
    if not ids:
        return Brought([], [], [], [], held_up)
    woken: list[asyncpg.Record] = []
    if parent_id is not None:
        await connection.execute(_ANSWER_PARENT, ids)
        await connection.execute(_SHARE_BLOBS, ids, parent_id)
        woken = await connection.fetch(_WAKE_PARENT, parent_id)
    failed = {row["id"]: row["status"] for row in rows if row["status"] != "succeeded"}
    parents = [row["id"] for row in rows if row["calls"]]  # also those that succeeded: a stop does not wait for what still runs
    cancelled = await connection.fetch(_CANCEL_CHILDREN, parents) if parents else []
    started = await error_workflows.start(connection, list(failed)) if failed else []
    await connection.execute(_SETTLED, ids)
    stopped = [Change(row["id"], row["workflow_id"], row["event_seq"]) for row in cancelled]
    return Brought([Change(*row) for row in woken], stopped, started, list(failed.values()), held_up)
