"""What a few reports bring besides their rows: answers to callers, uses of blobs, what polls found, waits that are over already.

It is written in the transaction of the report, so that one never is without the other.
"""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

import orjson

from backend.blobs import uses
from backend.blobs.service import encoded_refs
from backend.executions.doorbell import Change
from backend.executions.guards import guarded
from backend.executions.resolutions import ANSWERED_STEP, Connection
from backend.internal.applying import size
from backend.schedules import polls
from trestle.contracts.jobs import BlobRef, Report, WebhookAnswer
from trestle.contracts.states import StepStatus


class Brought(NamedTuple):
    """Changes of executions that went straight back into the queue, and of those that a poll has started."""

    woken: list[Change]
    born: list[Change]


NONE = Brought([], [])

_ANSWERS = """
insert into webhook_answers (execution_id, status, headers, body, refs)
select * from unnest($1::uuid[], $2::int[], $3::json[], $4::json[], $5::json[]) on conflict (execution_id) do nothing
"""

_COUNT = "update executions e set bytes = e.bytes + c.bytes from unnest($1::uuid[], $2::bigint[]) as c (id, bytes) where e.id = c.id"

# A statement of its own, after the executions' rows were locked by the report: it sees every answer that was stored before,
# and whoever stores one later finds them waiting.
_ANSWERED = guarded("""
update executions e set status = {to wake}, wake_at = null, last_push = now(), event_seq = e.event_seq + 1
where e.id = any($1::uuid[]) and {e may wake} and exists ({step})
returning e.id, e.workflow_id, e.event_seq
""").replace("{step}", ANSWERED_STEP)


def has_any(report: Report) -> bool:
    """Whether a report has consequences, and so needs a transaction of several statements."""
    ending = report.ending
    if ending is not None and (ending.status == "waiting" or ending.polled is not None or ending.refs):
        return True
    return any(step.refs or step.answer is not None for step in report.steps)


async def of(connection: Connection, reports: Sequence[Report]) -> Brought:
    """Writes the consequences of reports that passed the fence, in their transaction."""
    answers = [(r.execution_id, s.answer) for r in reports for s in r.steps if s.answer is not None and s.status is StepStatus.SUCCEEDED]
    if answers:
        await _answer(connection, answers)
    await uses.note(connection, [(r.execution_id, ref) for r in reports for ref in _refs(r)])
    polled = {r.execution_id: r.ending.polled for r in reports if r.ending is not None and r.ending.polled is not None}
    born = await polls.record(connection, polled) if polled else []
    waiting = [r.execution_id for r in reports if r.ending is not None and r.ending.status == "waiting"]
    woken = await connection.fetch(_ANSWERED, waiting) if waiting else []
    return Brought([Change(*row) for row in woken], [Change(execution_id, workflow_id, 1) for execution_id, workflow_id in born])


async def _answer(connection: Connection, answers: Sequence[tuple[UUID, WebhookAnswer]]) -> None:
    """The first answer to each execution's caller stays."""
    first: dict[UUID, WebhookAnswer] = {}
    for execution_id, answer in answers:
        first.setdefault(execution_id, answer)
    await connection.execute(
        _ANSWERS,
        list(first),
        [a.status for a in first.values()],
        [orjson.dumps(a.headers).decode() for a in first.values()],
        [a.body for a in first.values()],
        [encoded_refs(a.refs) for a in first.values()],
    )
    await connection.execute(_COUNT, list(first), [size(a.body) for a in first.values()])


def _refs(report: Report) -> list[BlobRef]:
    found = [ref for step in report.steps if step.refs for ref in step.refs.values()]
    found += [ref for step in report.steps if step.answer is not None for ref in step.answer.refs.values()]
    if report.ending is not None and report.ending.refs:
        found += report.ending.refs.values()
    return found
