"""Webhooks that answer with what the workflow gave (PROTOCOL, row 18)."""

import asyncio
import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar
from uuid import UUID

import asyncpg
import orjson
from starlette.requests import ClientDisconnect
from starlette.types import Receive

from backend.blobs.service import Blobs
from backend.errors import TooManyRequests
from backend.executions.doorbell import Doorbell
from backend.triggers import replies
from backend.triggers.directory import Webhook
from backend.triggers.replies import Reply
from trestle.contracts.jobs import BlobRef, Refs
from trestle.contracts.states import ExecutionStatus

_LOOK_ANYWAY_S = 1.0
_MAX_WAITING = 500
_DEFAULT_TIMEOUT_S = 30.0

_OUTCOME = """
select e.status, e.output, e.output_refs, a.status as code, a.headers, a.body, a.refs
from executions e left join webhook_answers a on a.execution_id = e.id
where e.id = $1 and (e.finished_at is not null or ($2 and a.execution_id is not null))
"""

T = TypeVar("T")


class Answers:
    """Callers who wait for an execution's end, or for its respond node. One who hangs up cancels nothing."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", doorbell: Doorbell, blobs: Blobs) -> None:
        self._pool = pool
        self._doorbell = doorbell
        self._blobs = blobs
        self._waiting = 0

    @contextmanager
    def place(self, hook: Webhook) -> Iterator[None]:
        """Keeps a place for a call that waits, from before it is accepted until it is answered. Raises TooManyRequests where there is
        none."""
        if not _waits(hook):
            yield
            return
        if self._waiting >= _MAX_WAITING:
            raise TooManyRequests(f"{_MAX_WAITING} callers wait for an answer already. Call again a little later.", retry_after_s=1)
        self._waiting += 1
        try:
            yield
        finally:
            self._waiting -= 1

    async def reply(self, hook: Webhook, execution_id: UUID, receive: Receive) -> Reply:
        """What the caller, who has a `place`, gets for the execution that was started, once it is time to. Raises ClientDisconnect where
        it hung up.

        At once: 202. At the end: 200 and the output; 500 where it failed. By a respond node: what that gave; 200 where the
        workflow ended without it, 500 where it failed before. 202 where that takes longer than the webhook's `response_timeout_s`.
        Wherever there is nothing better to say the body is `{execution_id}`.
        """
        if not _waits(hook):
            return replies.started(202, execution_id)
        by_node = hook.config["respond"] == "node"
        timeout_s = hook.config.get("response_timeout_s") or _DEFAULT_TIMEOUT_S
        row = await _unless_gone(receive, self._outcome(execution_id, timeout_s, by_node=by_node))
        if row is None:
            return replies.started(202, execution_id)
        if by_node and row["code"] is not None:
            refs = await self._blobs.used(execution_id, _refs(row["refs"]))
            return await replies.of_node(self._blobs, row["code"], orjson.loads(row["headers"]), row["body"], refs)
        if row["status"] != ExecutionStatus.SUCCEEDED:
            return replies.started(500, execution_id)
        if by_node or row["output"] is None:
            return replies.started(200, execution_id)
        return await replies.of_output(self._blobs, row["output"], await self._blobs.used(execution_id, _refs(row["output_refs"])))

    async def _outcome(self, execution_id: UUID, timeout_s: float, *, by_node: bool) -> asyncpg.Record | None:
        """The execution with its answer, once there is one or the other is over; None where that takes too long."""
        until = time.monotonic() + timeout_s
        with self._doorbell.listen(execution_id) as bell:
            while not self._doorbell.closing:
                row = await self._pool.fetchrow(_OUTCOME, execution_id, by_node)
                if row is not None:
                    return row
                left_s = until - time.monotonic()
                if left_s <= 0:
                    return None
                await bell.wait(min(left_s, _LOOK_ANYWAY_S))
        return None


def _waits(hook: Webhook) -> bool:
    return bool(hook.config.get("respond", "immediately") != "immediately")


def _refs(stored: str | None) -> Refs:
    return {pointer: BlobRef.model_validate(ref) for pointer, ref in orjson.loads(stored).items()} if stored else {}


async def _unless_gone(receive: Receive, work: Coroutine[Any, Any, T]) -> T:
    """What `work` gives. It is given up when the caller hangs up: nobody is left to answer, and others want the place."""
    working, gone = asyncio.create_task(work), asyncio.create_task(_hang_up(receive))
    try:
        await asyncio.wait((working, gone), return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ClientDisconnect
        return working.result()
    finally:
        working.cancel()
        gone.cancel()


async def _hang_up(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
