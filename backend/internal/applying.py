"""The statement that writes a batch of reports, and its arguments: one round trip and one commit (PROTOCOL, rows 5, 7 and 14)."""

from collections.abc import Iterable, Sequence
from typing import TypeVar
from uuid import UUID

import asyncpg
import orjson

from backend.blobs.service import encoded_refs
from backend.executions.guards import guarded
from trestle.contracts.base import EncodedJson
from trestle.contracts.executions import ExecutionError
from trestle.contracts.jobs import Ending, Report, StepReport

T = TypeVar("T")

# `fenced` is the fence: only the owner of the epoch, only the next seq. A paused execution's owner lets running steps finish.
# A hand-back whose time has come meanwhile goes straight back into the queue; one of a paused execution stays paused. Whoever
# hands back has lived through what it ran: earlier interruptions no longer count.
_APPLY = guarded("""
with r as materialized (
    select * from unnest($2::uuid[], $3::int[], $4::int[], $5::int[], $6::bigint[], $7::text[], $8::json[], $9::json[], $10::json[],
            $11::int[], $12::timestamptz[])
        as r (id, epoch, seq, events, bytes, ending, output, refs, error, failed_steps, due_at)
), fenced as (
    update executions e set
        report_seq = r.seq,
        event_seq = e.event_seq + r.events,
        status = case when r.ending is null or r.ending = 'waiting' and e.status = 'paused' then e.status
            when r.ending = 'waiting' and r.due_at <= now() then {to wake} else r.ending end,
        output = r.output,
        output_refs = r.refs,
        error = r.error,
        failed_steps = coalesce(r.failed_steps, e.failed_steps),
        bytes = e.bytes + r.bytes,
        interruptions = case when r.ending = 'waiting' then 0 else e.interruptions end,
        finished_at = case when r.ending <> 'waiting' then now() end,
        wake_at = case when r.ending = 'waiting' then r.due_at end,
        lease_until = case when r.ending is null then e.lease_until end,
        running_ms = case when r.ending is null then e.running_ms
            else e.running_ms + coalesce(extract(epoch from now() - e.running_since) * 1000, 0) end,
        running_since = case when r.ending is null then e.running_since end
    from r
    where e.id = r.id and e.epoch = r.epoch and e.executor_id = $1 and e.report_seq = r.seq - 1
        and e.status in ('running', 'paused') and e.lease_until is not null and {e may succeed}
    returning e.id, e.workflow_id, e.event_seq, e.event_seq - r.events as base, e.status, e.slot, e.parent_waits, e.calls
), logged as (
    insert into execution_logs (execution_id, node, level, message, at)
    select l.id, l.node, l.level, l.message, l.at
    from unnest($32::uuid[], $33::text[], $34::text[], $35::text[], $36::timestamptz[]) with ordinality
        as l (id, node, level, message, at, place)
    join fenced f on f.id = l.id
    order by l.place
), written as (
    insert into steps (execution_id, epoch, event_seq, node, type, item, attempt, status, port, output, error, wait, due_at,
        started_at, finished_at, duration_ms, refs, items, token)
    select f.id, s.epoch, f.base + s.place, s.node, s.type, s.item, s.attempt, s.status, s.port, s.output, s.error, s.wait, s.due_at,
        s.started_at, s.finished_at, s.duration_ms, s.refs, s.items, s.token
    from unnest($13::uuid[], $14::int[], $15::int[], $16::text[], $17::text[], $18::int[], $19::int[], $20::text[], $21::text[],
            $22::json[], $23::json[], $24::json[], $25::timestamptz[], $26::timestamptz[], $27::timestamptz[], $28::float8[],
            $29::json[], $30::json[], $31::text[])
        as s (id, epoch, place, node, type, item, attempt, status, port, output, error, wait, due_at, started_at, finished_at, duration_ms,
            refs, items, token)
    join fenced f on f.id = s.id
    order by s.place
    on conflict (execution_id, node, item, attempt) do update set
        epoch = excluded.epoch, event_seq = excluded.event_seq, status = excluded.status, port = excluded.port, output = excluded.output,
        error = excluded.error, wait = excluded.wait, due_at = excluded.due_at, token = excluded.token,
        refs = case when excluded.output is null then coalesce(excluded.refs, steps.refs) else excluded.refs end,
        items = coalesce(excluded.items, steps.items),
        started_at = coalesce(excluded.started_at, steps.started_at), finished_at = excluded.finished_at, duration_ms = excluded.duration_ms
    where steps.status in ('pending', 'running', 'waiting')
)
select id, workflow_id, event_seq, status, slot, parent_waits, calls, now() as now from fenced
""")


async def apply(
    database: "asyncpg.Pool[asyncpg.Record] | asyncpg.pool.PoolConnectionProxy[asyncpg.Record]",
    executor_id: UUID,
    reports: Sequence[Report],
) -> list[asyncpg.Record]:
    """Writes what passes the fence: id, workflow_id, event_seq, status, slot, parent_waits, calls and the time (`now`) of each."""
    newest = [(report, _newest(report.steps)) for report in reports]
    endings = [report.ending for report in reports]
    steps = [(report, place, step) for report, kept in newest for place, step in enumerate(kept, 1)]
    logs = [(report, line) for report in reports for line in report.logs]
    return await database.fetch(
        _APPLY,
        executor_id,
        [r.execution_id for r in reports],
        [r.epoch for r in reports],
        [r.seq for r in reports],
        [len(kept) + bool(report.ending or report.logs) for report, kept in newest],
        [_bytes(report, kept) for report, kept in newest],
        [e.status if e else None for e in endings],
        [e.output if e else None for e in endings],
        _sparse(encoded_refs(e.refs) if e and e.refs else None for e in endings),
        _sparse(_error(e) if e else None for e in endings),
        [e.failed_steps if e else None for e in endings],
        _sparse(e.due_at if e else None for e in endings),
        [r.execution_id for r, _, _ in steps],
        [r.epoch for r, _, _ in steps],
        [place for _, place, _ in steps],
        [s.node for _, _, s in steps],
        [s.type for _, _, s in steps],
        _sparse(s.item for _, _, s in steps),
        [s.attempt for _, _, s in steps],
        [s.status for _, _, s in steps],
        [s.port for _, _, s in steps],
        [s.output for _, _, s in steps],
        _sparse(s.error.model_dump_json() if s.error else None for _, _, s in steps),
        _sparse(orjson.dumps(s.wait).decode() if s.wait is not None else None for _, _, s in steps),
        _sparse(s.due_at for _, _, s in steps),
        [s.started_at for _, _, s in steps],
        [s.finished_at for _, _, s in steps],
        [s.duration_ms for _, _, s in steps],
        _sparse(encoded_refs(s.refs) if s.refs else None for _, _, s in steps),
        _sparse(s.items for _, _, s in steps),
        _sparse(s.token for _, _, s in steps),
        [r.execution_id for r, _ in logs],
        [line.node for _, line in logs],
        [line.level for _, line in logs],
        [line.message.replace("\0", "\N{SYMBOL FOR NULL}") for _, line in logs],
        [line.at for _, line in logs],
    )


def _sparse(values: Iterable[T | None]) -> Sequence[T | None]:
    """The values; nothing where all are None: `unnest` fills up with nulls, and no reports of the hot path have any of these."""
    found = list(values)
    return found if any(value is not None for value in found) else ()


def size(text: EncodedJson | None) -> int:
    """How many bytes it takes."""
    if not text:
        return 0
    return len(text) if text.isascii() else len(text.encode(errors="surrogatepass"))


def _bytes(report: Report, steps: Sequence[StepReport]) -> int:
    ending = size(report.ending.output) if report.ending is not None else 0
    return ending + sum(size(step.output) + size(step.items) for step in steps)


def _newest(steps: Sequence[StepReport]) -> Sequence[StepReport]:
    """The last state of each attempt: one statement can't write a row twice."""
    if len(steps) < 2:
        return steps
    return list({(step.node, step.item, step.attempt): step for step in steps}.values())


def _error(ending: Ending) -> EncodedJson | None:
    if ending.error is None:
        return None
    return ExecutionError(**ending.error.model_dump(), node=ending.error_node).model_dump_json()
