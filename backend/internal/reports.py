"""Reports: what executors did becomes rows, each batch in one commit, and every report gets its verdict (PROTOCOL, rows 5, 7 and 14)."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

import asyncpg
import structlog
from pydantic import BaseModel

from backend.executions import children
from backend.executions.children import Place
from backend.executions.doorbell import Change, Doorbell
from backend.executions.guards import guarded
from backend.executions.settling import Settler
from backend.internal import consequences, limits
from backend.internal.applying import apply
from backend.metrics import counters
from backend.queue import Queue
from trestle.contracts.executions import ExecutionError
from trestle.contracts.jobs import Report, Verdict
from trestle.contracts.states import TERMINAL, ExecutionStatus, StepStatus

log = structlog.get_logger(__name__)

_OWNERS = "select id, status, epoch, executor_id, report_seq from executions where id = any($1::uuid[])"

_CONDEMN = guarded("""
with ended as (
    update executions e set status = {to fail}, error = $4, finished_at = now(), lease_until = null, event_seq = e.event_seq + 1,
        running_ms = e.running_ms + coalesce(extract(epoch from now() - e.running_since) * 1000, 0), running_since = null
    where e.id = $1 and e.epoch = $2 and e.executor_id = $3 and e.status in ('running', 'paused') and {e may fail}
    returning e.id, e.workflow_id, e.event_seq
), stopped as (
    update steps s set status = 'cancelled', finished_at = now(), event_seq = ended.event_seq
    from ended where s.execution_id = ended.id and s.status in ('pending', 'running', 'waiting')
)
select id, workflow_id, event_seq from ended
""")

# What PostgreSQL can't take, whoever sends it again. Everything else (a lost connection, a full disk) may pass by itself.
_CANT_STORE = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError, asyncpg.ProgramLimitExceededError)


class Answered(BaseModel):
    """What to answer to one report."""

    verdict: Verdict
    expected_seq: int | None = None


_CONTINUE = Answered(verdict=Verdict.CONTINUE)
_PAUSE = Answered(verdict=Verdict.PAUSE)


class Recorder:
    """Writes reports."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", queue: Queue, doorbell: Doorbell, settler: Settler) -> None:
        self._pool = pool
        self._queue = queue
        self._doorbell = doorbell
        self._settler = settler

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
        if len(applied) < len(reports):
            applied |= await self._explain(executor_id, [report for report in reports if report.execution_id not in applied])
        return now, [applied[report.execution_id] for report in reports]

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
        self._settler.soon([row["id"]])
        return Answered(verdict=Verdict.CANCEL)

    async def _apply(self, executor_id: UUID, reports: Sequence[Report]) -> tuple[datetime, dict[UUID, Answered]]:
        """The time, and answers by the ids of the executions whose report was next and is committed now."""
        special = [report for report in reports if consequences.has_any(report)]
        if special:
            async with self._pool.acquire() as connection, connection.transaction():
                rows = await apply(connection, executor_id, reports)
                applied = {row["id"] for row in rows}
                brought = await consequences.of(connection, [report for report in special if report.execution_id in applied])
        else:
            rows = await apply(self._pool, executor_id, reports)
            brought = consequences.NONE
        ended = {report.execution_id for report in reports if report.ending is not None}
        queued = [row["id"] for row in rows if row["status"] == ExecutionStatus.QUEUED]
        self._queue.push([*queued, *(change.execution_id for change in brought.woken)], first=True)
        self._queue.push([change.execution_id for change in brought.born])
        self._doorbell.ring([Change(row["id"], row["workflow_id"], row["event_seq"]) for row in rows] + brought.woken + brought.born)
        self._settler.soon(
            row["id"]
            for row in rows
            if row["status"] in TERMINAL and (row["parent_waits"] or row["calls"] or row["status"] != ExecutionStatus.SUCCEEDED)
        )
        counters.SUCCEEDED.inc(sum(row["status"] == ExecutionStatus.SUCCEEDED for row in rows))
        slots = {row["slot"] for row in rows if row["slot"] and row["id"] in ended}
        if slots:
            self._queue.push(await limits.free(self._pool, list(slots)))
        await self._abandon(reports, {row["id"] for row in rows if row["calls"] and row["status"] not in TERMINAL})
        paused = {row["id"] for row in rows if row["status"] == ExecutionStatus.PAUSED} - ended
        return rows[0]["now"] if rows else await self.now(), {row["id"]: _PAUSE if row["id"] in paused else _CONTINUE for row in rows}

    async def _abandon(self, reports: Sequence[Report], calling: Collection[UUID]) -> None:
        """What steps had called that are over, though their execution is not. Where a backend dies before this, its end does it."""
        over = [
            Place(report.execution_id, step.node, step.item)
            for report in reports
            if report.execution_id in calling
            for step in report.steps
            if step.status is StepStatus.CANCELLED or (step.status is StepStatus.FAILED and step.port is not None)
        ]
        if not over:
            return
        abandoned = await children.abandon(self._pool, over)
        for change in abandoned:
            self._queue.tell(change.execution_id, Verdict.CANCEL)
        self._doorbell.ring(abandoned)
        self._settler.soon(change.execution_id for change in abandoned)

    async def _explain(self, executor_id: UUID, reports: Sequence[Report]) -> dict[UUID, Answered]:
        """Answers to reports that did not pass the fence."""
        rows = {row["id"]: row for row in await self._pool.fetch(_OWNERS, [report.execution_id for report in reports])}
        return {report.execution_id: _why_not(executor_id, report, rows.get(report.execution_id)) for report in reports}


def _why_not(executor_id: UUID, report: Report, row: asyncpg.Record | None) -> Answered:
    if row is None or row["epoch"] != report.epoch or row["executor_id"] != executor_id:
        return Answered(verdict=Verdict.STALE)
    if report.seq <= row["report_seq"]:
        return _PAUSE if row["status"] == ExecutionStatus.PAUSED and report.ending is None else _CONTINUE
    if row["status"] in (ExecutionStatus.RUNNING, ExecutionStatus.PAUSED):
        return Answered(verdict=Verdict.RESEND, expected_seq=row["report_seq"] + 1)
    return Answered(verdict=verdict_on(row["status"]))


def verdict_on(status: str) -> Verdict:
    """What an owner is told whose execution is no longer running, but has not been claimed by anybody else."""
    if status == ExecutionStatus.PAUSED:
        return Verdict.PAUSE
    return Verdict.CANCEL if status in TERMINAL else Verdict.STALE
