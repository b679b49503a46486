"""Server-sent events: what changes in an execution, or in all of a workflow's, from PostgreSQL's rows whenever the doorbell rings.

An event's id says where to go on after a broken connection (`Last-Event-ID`): in an execution's stream `<event_seq>.<last log id>`,
in a workflow's the Unix time (ms) at which its rows were read.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, suppress
from uuid import UUID

import asyncpg
from starlette.responses import StreamingResponse

from backend.executions import changes
from backend.executions.doorbell import Doorbell
from backend.workflows import draft_events
from backend.workflows.presence import Presence

_LOOK_AWAY_S = 1.0
"""How often rows are read while Redis is away."""
_LOOK_ANYWAY_S = 5.0
"""How often they are read although nobody rang."""
_KEEP_ALIVE_S = 15.0
_BREATH_S = 0.1
"""What gathers meanwhile is read together, once more than a few executions change at a time."""
_FEW = 3
_MAX_AT_ONCE = 50
_KEPT = 1000
_OVERLAP_MS = 5000

_NEVER = UUID(int=0)
_COMMENT = b": still here\n\n"

# What is under way, and what ended since the caller last heard of it (with some overlap: commits don't come in time's order).
_CURRENT = """
select id from executions where workflow_id = $1 and kind = 'run'
    and (status in ('queued', 'running', 'waiting', 'paused') or finished_at >= to_timestamp($2 / 1000.0))
order by id desc limit $3
"""
_NOW_MS = "select (extract(epoch from clock_timestamp()) * 1000)::bigint"


def response(events: AsyncGenerator[bytes, None], allowed: Callable[[], Awaitable[bool]]) -> StreamingResponse:
    """The answer that carries a stream, for as long as the caller is allowed to see it: that is asked again every quarter of a minute."""
    return StreamingResponse(
        _while(allowed, events), media_type="text/event-stream", headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
    )


async def _while(allowed: Callable[[], Awaitable[bool]], events: AsyncGenerator[bytes, None]) -> AsyncIterator[bytes]:
    asked = time.monotonic()
    async with aclosing(events):
        async for event in events:  # or a comment, where nothing happens
            if time.monotonic() - asked >= _KEEP_ALIVE_S:
                if not await allowed():
                    return
                asked = time.monotonic()
            yield event


async def of_execution(
    pool: "asyncpg.Pool[asyncpg.Record]", doorbell: Doorbell, execution_id: UUID, last_event_id: str | None
) -> AsyncGenerator[bytes, None]:
    """`execution`, `step` and `log` events of one execution, after `last_event_id`. Ends when the execution has."""
    seq, log = _place(last_event_id)
    silent_since = time.monotonic()
    with doorbell.listen(execution_id) as bell:
        while not doorbell.closing:
            found = await changes.since(pool, {execution_id: seq})
            for event in found:
                if event.name == "execution":  # comes last: then nothing that belongs to it may be missing
                    for log_id, line in await changes.logs(pool, execution_id, log):
                        log = log_id
                        yield _frame("log", f"{seq}.{log.hex}", line)
                seq = event.seq
                yield _frame(event.name, f"{seq}.{log.hex}", event.data)
            if found[-1].finished if found else await changes.finished(pool, execution_id):
                return
            if found:
                silent_since = time.monotonic()
            elif time.monotonic() - silent_since > _KEEP_ALIVE_S:
                silent_since = time.monotonic()
                yield _COMMENT
            await bell.wait(_patience_s(doorbell))


async def of_workflow(
    pool: "asyncpg.Pool[asyncpg.Record]",
    doorbell: Doorbell,
    workflow_id: UUID,
    last_event_id: str | None,
    presence: Presence | None = None,
) -> AsyncGenerator[bytes, None]:
    """`execution` and `step` events of a workflow's executions: of those under way, and of what ends or begins from now on;
    `draft` events of the changes of its draft; with `presence`, `present` events of who has it open.

    Where more happens than anybody could watch, the newest executions are told of.
    """
    seen: dict[UUID, int] = {}
    silent_since = time.monotonic()
    with doorbell.listen(workflow_id) as bell:
        read_at = await pool.fetchval(_NOW_MS)
        revision = await draft_events.revision_at(pool, workflow_id, _time(last_event_id) or read_at)
        changed = await _current(pool, workflow_id, _time(last_event_id) or read_at + _OVERLAP_MS)
        yield _COMMENT  # the answer's head leaves now, also where there is nothing to tell yet
        while not doorbell.closing:
            found = await changes.since(pool, {i: seen.get(i, 0) for i in changed}) if changed else []
            for event in found:
                seen.pop(event.execution_id, None)  # the newest last: the oldest is forgotten first
                seen[event.execution_id] = event.seq
                yield _frame(event.name, str(read_at), event.data)
            for newer, draft in await draft_events.since(pool, workflow_id, revision):
                revision = newer
                yield _frame("draft", str(read_at), draft)
            if presence is not None and (present := await presence.tell()) is not None:
                yield _frame("present", str(read_at), present)
            while len(seen) > _KEPT:
                del seen[next(iter(seen))]
            if found:
                silent_since = time.monotonic()
                if len(changed) > _FEW:
                    await asyncio.sleep(_BREATH_S)
            elif time.monotonic() - silent_since > _KEEP_ALIVE_S:
                silent_since = time.monotonic()
                yield _COMMENT
            rung = await bell.wait(_patience_s(doorbell))
            before, read_at = read_at, await pool.fetchval(_NOW_MS)
            changed = [UUID(i) for i in sorted(rung)[-_MAX_AT_ONCE:]] or await _current(pool, workflow_id, before)


async def _current(pool: "asyncpg.Pool[asyncpg.Record]", workflow_id: UUID, finished_since_ms: int) -> list[UUID]:
    rows = await pool.fetch(_CURRENT, workflow_id, float(finished_since_ms - _OVERLAP_MS), _MAX_AT_ONCE)
    return [row["id"] for row in reversed(rows)]


def _patience_s(doorbell: Doorbell) -> float:
    return _LOOK_AWAY_S if doorbell.redis_away else _LOOK_ANYWAY_S


def _frame(name: str, ident: str, data: bytes) -> bytes:
    return b"event: %s\nid: %s\ndata: %s\n\n" % (name.encode(), ident.encode(), data)


def _place(last_event_id: str | None) -> tuple[int, UUID]:
    """Where a stream of an execution goes on. An id that was not made here begins at the beginning."""
    seq, _, log = (last_event_id or "").partition(".")
    with suppress(ValueError):
        return int(seq), UUID(log)
    return 0, _NEVER


def _time(last_event_id: str | None) -> int | None:
    with suppress(ValueError):
        return int(last_event_id or "")
    return None
