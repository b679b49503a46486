"""Reports: what executors did becomes rows, each batch in one statement and one commit (PROTOCOL, rows 5, 7 and 14)."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg
import orjson
import structlog
from pydantic import BaseModel

from backend.blobs.service import encoded_refs
from backend.executions.doorbell import Change, Doorbell
from backend.executions.guards import guarded
from backend.internal import limits
from backend.queue import Queue
from trestle.contracts.base import EncodedJson
from trestle.contracts.executions import ExecutionError
from trestle.contracts.jobs import Ending, Report, StepReport, Verdict
from trestle.contracts.states import TERMINAL, ExecutionStatus

log = structlog.get_logger(__name__)

# One statement, so one round trip and one commit. `fenced` is the fence: only the owner of the epoch, only the next seq.
# A hand-back whose time has come meanwhile goes straight back into the queue.
_APPLY = guarded("""
with r as materialized (
    select * from unnest($2::uuid[], $3::int[], $4::int[], $5::int[], $6::text[], $7::json[], $8::json[], $9::int[], $10::timestamptz[],
            $32::json[])
        as r (id, epoch, seq, events, ending, output, error, failed_steps, due_at, output_refs)
), fenced as (
    update executions e set
        report_seq = r.seq,
        event_seq = e.event_seq + r.events,
        status = case when r.ending is null then e.status when r.ending = 'waiting' and r.due_at <= now() then {to wake} else r.ending end,
        output = r.output,
        output_refs = r.output_refs,
        error = r.error,
        failed_steps = coalesce(r.failed_steps, e.failed_steps),
        finished_at = case when r.ending <> 'waiting' then now() end,
        wake_at = case when r.ending = 'waiting' then r.due_at end,
        running_ms = case when r.ending is null then e.running_ms
            else e.running_ms + extract(epoch from now() - e.running_since) * 1000 end,
        running_since = case when r.ending is null then e.running_since end
    from r
    where e.id = r.id and e.epoch = r.epoch and e.executor_id = $1 and e.report_seq = r.seq - 1 and {e may succeed}
    returning e.id, e.workflow_id, e.event_seq, e.event_seq - r.events as base, e.status, e.slot
), logged as (
    insert into execution_logs (execution_id, node, level, message, at)
    select l.id, l.node, l.level, l.message, l.at
    from unnest($27::uuid[], $28::text[], $29::text[], $30::text[], $31::timestamptz[]) as l (id, node, level, message, at)
    join fenced f on f.id = l.id
), written as (
    insert into steps (execution_id, epoch, event_seq, node, type, item, attempt, status, port, output, error, wait, due_at,
        started_at, finished_at, duration_ms, refs)
    select f.id, s.epoch, f.base + s.place, s.node, s.type, s.item, s.attempt, s.status, s.port, s.output, s.error, s.wait, s.due_at,
        s.started_at, s.finished_at, s.duration_ms, s.refs
    from unnest($11::uuid[], $12::int[], $13::int[], $14::text[], $15::text[], $16::int[], $17::int[], $18::text[], $19::text[],
            $20::json[], $21::json[], $22::json[], $23::timestamptz[], $24::timestamptz[], $25::timestamptz[], $26::float8[], $33::json[])
        as s (id, epoch, place, node, type, item, attempt, status, port, output, error, wait, due_at, started_at, finished_at, duration_ms,
            refs)
    join fenced f on f.id = s.id
    order by s.place
    on conflict (execution_id, node, item, attempt) do update set
        epoch = excluded.epoch, event_seq = excluded.event_seq, status = excluded.status, port = excluded.port, output = excluded.output,
        error = excluded.error, wait = excluded.wait, due_at = excluded.due_at,
        started_at = coalesce(excluded.started_at, steps.started_at), finished_at = excluded.finished_at,
        duration_ms = excluded.duration_ms, refs = excluded.refs
    where steps.status in ('pending', 'running', 'waiting')
)
select id, workflow_id, event_seq, status, slot, now() as now from fenced
""")

_OWNERS = "select id, status, epoch, executor_id, report_seq from executions where id = any($1::uuid[])"

_CONDEMN = guarded("""
update executions e set status = {to fail}, error = $4, finished_at = now(), event_seq = e.event_seq + 1,
    running_ms = e.running_ms + extract(epoch from now() - e.running_since) * 1000, running_since = null
where e.id = $1 and e.epoch = $2 and e.executor_id = $3 and e.status = 'running' and {e may fail}
returning e.id, e.workflow_id, e.event_seq
""")

# What PostgreSQL can't take, whoever sends it again. Everything else (a lost connection, a full disk) may pass by itself.
_CANT_STORE = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError, asyncpg.ProgramLimitExceededError)


class Answered(BaseModel):
    """What to answer to one report."""

    verdict: Verdict
    expected_seq: int | None = None


_CONTINUE = Answered(verdict=Verdict.CONTINUE)


class Recorder:
    """Writes reports."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", queue: Queue, doorbell: Doorbell) -> None:
        self._pool = pool
        self._queue = queue
        self._doorbell = doorbell

    async def record(self, executor_id: UUID, reports: Sequence[Report]) -> tuple[datetime, list[Answered]]:
        """PostgreSQL's time, and what to answer to each report, in order. Whatever is answered `continue` is committed.

        One that can't be stored fails its own execution and no other.
        """
        if len({report.execution_id for report in reports}) < len(reports):
            return await self._one_by_one(executor_id, reports)
        try:
            now, applied = await self._apply(executor_id, reports)
        except _CANT_STORE as error:
            if len(reports) > 1:
                return await self._one_by_one(executor_id, reports)
            answered = await self.condemn(executor_id, reports[0].execution_id, reports[0].epoch, str(error))
            return await self.now(), [answered]
        if len(applied) == len(reports):
            return now, [_CONTINUE] * len(reports)
        return now, await self._explain(executor_id, reports, applied)

    async def now(self) -> datetime:
        """PostgreSQL's time."""
        now: datetime = await self._pool.fetchval("select now()")
        return now

    async def _one_by_one(self, executor_id: UUID, reports: Sequence[Report]) -> tuple[datetime, list[Answered]]:
        answers = []
        for report in reports:
            now, answered = await self.record(executor_id, [report])
            answers += answered
        return now, answers

    async def condemn(self, executor_id: UUID, execution_id: UUID, epoch: int, why: str) -> Answered:
        """Fail an execution whose report can't be taken: it could never go on."""
        error = ExecutionError(
            type="report_refused",
            message=f"What a step of this execution gave back can't be stored: {why}",
            hint="Look at what its nodes produce: text with a NUL character, or a value too large to store.",
        )
        row = await self._pool.fetchrow(_CONDEMN, execution_id, epoch, executor_id, error.model_dump_json())
        if row is None:
            return Answered(verdict=Verdict.STALE)
        log.error("report_refused", execution_id=str(execution_id), why=why)
        self._doorbell.ring([Change(row["id"], row["workflow_id"], row["event_seq"])])
        return Answered(verdict=Verdict.CANCEL)

    async def _apply(self, executor_id: UUID, reports: Sequence[Report]) -> tuple[datetime, set[UUID]]:
        """The time, and the ids of the executions whose report was next and is committed now."""
        newest = [(report, _newest(report.steps)) for report in reports]
        endings = [report.ending for report in reports]
        steps = [(report, place, step) for report, kept in newest for place, step in enumerate(kept, 1)]
        logs = [(report, line) for report in reports for line in report.logs]
        rows = await self._pool.fetch(
            _APPLY,
            executor_id,
            [r.execution_id for r in reports],
            [r.epoch for r in reports],
            [r.seq for r in reports],
            [len(kept) + bool(report.ending or report.logs) for report, kept in newest],
            [e.status if e else None for e in endings],
            [e.output if e else None for e in endings],
            [_error(e) if e else None for e in endings],
            [e.failed_steps if e else None for e in endings],
            [e.due_at if e else None for e in endings],
            [r.execution_id for r, _, _ in steps],
            [r.epoch for r, _, _ in steps],
            [place for _, place, _ in steps],
            [s.node for _, _, s in steps],
            [s.type for _, _, s in steps],
            [s.item for _, _, s in steps],
            [s.attempt for _, _, s in steps],
            [s.status for _, _, s in steps],
            [s.port for _, _, s in steps],
            [s.output for _, _, s in steps],
            [s.error.model_dump_json() if s.error else None for _, _, s in steps],
            [orjson.dumps(s.wait).decode() if s.wait is not None else None for _, _, s in steps],
            [s.due_at for _, _, s in steps],
            [s.started_at for _, _, s in steps],
            [s.finished_at for _, _, s in steps],
            [s.duration_ms for _, _, s in steps],
            [r.execution_id for r, _ in logs],
            [line.node for _, line in logs],
            [line.level for _, line in logs],
            [line.message.replace("\0", "\N{SYMBOL FOR NULL}") for _, line in logs],
            [line.at for _, line in logs],
            [encoded_refs(e.refs or {}) if e else None for e in endings],
            [encoded_refs(s.refs or {}) for _, _, s in steps],
        )
        self._queue.push([row["id"] for row in rows if row["status"] == ExecutionStatus.QUEUED], first=True)
        self._doorbell.ring(Change(row["id"], row["workflow_id"], row["event_seq"]) for row in rows)
        slots = {row["slot"] for row in rows if row["slot"] and row["status"] != ExecutionStatus.RUNNING}
        if slots:
            self._queue.push(await limits.free(self._pool, list(slots)))
        return rows[0]["now"] if rows else await self.now(), {row["id"] for row in rows}

    async def _explain(self, executor_id: UUID, reports: Sequence[Report], applied: set[UUID]) -> list[Answered]:
        left = [report.execution_id for report in reports if report.execution_id not in applied]
        rows = {row["id"]: row for row in await self._pool.fetch(_OWNERS, left)}
        return [_CONTINUE if r.execution_id in applied else _why_not(executor_id, r, rows.get(r.execution_id)) for r in reports]


def _why_not(executor_id: UUID, report: Report, row: asyncpg.Record | None) -> Answered:
    if row is None or row["epoch"] != report.epoch or row["executor_id"] != executor_id:
        return Answered(verdict=Verdict.STALE)
    if report.seq <= row["report_seq"]:
        return _CONTINUE
    if row["status"] == ExecutionStatus.RUNNING:
        return Answered(verdict=Verdict.RESEND, expected_seq=row["report_seq"] + 1)
    return Answered(verdict=verdict_on(row["status"]))


def verdict_on(status: str) -> Verdict:
    """What an owner is told whose execution is no longer running, but has not been claimed by anybody else."""
    if status == ExecutionStatus.PAUSED:
        return Verdict.PAUSE
    return Verdict.CANCEL if status in TERMINAL else Verdict.STALE


def _newest(steps: Sequence[StepReport]) -> Sequence[StepReport]:
    """The last state of each attempt: one statement can't write a row twice."""
    if len(steps) < 2:
        return steps
    return list({(step.node, step.item, step.attempt): step for step in steps}.values())


def _error(ending: Ending) -> EncodedJson | None:
    if ending.error is None:
        return None
    return ExecutionError(**ending.error.model_dump(), node=ending.error_node).model_dump_json()
