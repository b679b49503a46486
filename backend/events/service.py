"""Taking an event: everything that it starts is stored in one transaction, or nothing is."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

import orjson
import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from backend.blobs import uses
from backend.blobs.service import encoded_refs
from backend.events.matching import Match
from backend.executions import births, repeats
from backend.executions.births import Birth, Database
from backend.executions.doorbell import Change
from backend.ids import new_id
from backend.models import User
from backend.ownership import project_for
from backend.services import Services
from trestle.contracts.base import EncodedJson, JsonObject
from trestle.contracts.events import EventProblem, EventStart, EventTaken
from trestle.contracts.executions import ExecutionError
from trestle.contracts.jobs import Refs
from trestle.contracts.users import ProjectRole

log = structlog.get_logger(__name__)

# A trigger that can't tell whether it fires has failed: that is in the workflow's history, and starts error workflows.
_FAILED = """
insert into executions (project_id, workflow_id, snapshot_id, version, status, trigger, input, input_refs, error, seed, event_seq,
    started_at, finished_at)
select w.project_id, w.id, t.snapshot_id, t.version, 'failed', i.trigger, $3, $4, i.error, uuid_send(gen_random_uuid()), 1, now(), now()
from unnest($1::uuid[], $2::json[], $5::json[]) with ordinality as i (trigger_id, trigger, error, place)
join triggers t on t.id = i.trigger_id join workflows w on w.id = t.workflow_id
where w.enabled
returning id, workflow_id
"""


class Place(NamedTuple):
    """Where an event goes, and who sends it."""

    project_id: UUID
    user_id: UUID


async def place_for(session: AsyncSession, user: User, project_id: UUID | None) -> Place:
    """The project that was named, or the user's own. Raises NotFound, Forbidden."""
    project = await project_for(session, user, project_id, needs=ProjectRole.OPERATOR)
    return Place(project.id, user.id)


async def rehearse(parts: Services, place: Place, event: JsonObject) -> EventTaken:
    """What an event would start. Nothing is stored."""
    matches = await parts.matcher.matches(place.project_id, event, len(orjson.dumps(event, default=str)))
    problems = [_problem(match) for match in matches if match.problem is not None]
    starts = [EventStart(workflow_id=match.workflow_id) for match in matches if match.problem is None]
    return EventTaken(executions=starts, problems=problems or None)


async def take(parts: Services, place: Place, event: JsonObject, body: bytes, key: str | None) -> EventTaken:
    """Starts what the event meets. `body` is the event as it was sent, which is what the executions get.

    Raises:
        TooManyRequests: too many executions are queued; then the event started nothing.
        Unprocessable: the key was used for another event.
    """
    matches = await parts.matcher.matches(place.project_id, event, len(body))
    firing = [match for match in matches if match.problem is None]
    await parts.acceptor.backlog.admit(len(firing))
    event_id = new_id()
    text, refs = await parts.blobs.spill(place.project_id, body.decode()) if matches else ("null", {})
    scope = f"event:{place.user_id}:{place.project_id}"
    async with parts.database.hot.acquire() as connection, connection.transaction():
        if key:
            first = await repeats.reserve(connection, scope, key, repeats.request_hash(body))
            if first is not None:
                return EventTaken.model_validate(first)
        making = [Birth(match.trigger_id, _circumstances(match, place, event_id), text, encoded_refs(refs)) for match in firing]
        born = [one for one in await births.insert(connection, making) if one is not None]
        failed = await _failed(connection, [match for match in matches if match.problem is not None], place, event_id, text, refs)
        taken = EventTaken(
            event_id=event_id,
            executions=[EventStart(workflow_id=one.workflow_id, execution_id=one.execution_id) for one in born],
            problems=failed or None,
        )
        if key:
            await repeats.remember(connection, scope, key, taken.model_dump_json(exclude_none=True))
    parts.acceptor.announce([(one.execution_id, one.workflow_id) for one in born])
    _tell(parts, failed)
    for match in firing:
        parts.calls.note(match.trigger_id)
    return taken


async def _failed(
    connection: Database, matches: Sequence[Match], place: Place, event_id: UUID, input: EncodedJson, refs: Refs
) -> list[EventProblem]:
    if not matches:
        return []
    triggers = [_circumstances(match, place, event_id) for match in matches]
    errors = [_error(match).model_dump_json() for match in matches]
    rows = await connection.fetch(_FAILED, [match.trigger_id for match in matches], triggers, input, encoded_refs(refs), errors)
    ids = {row["workflow_id"]: row["id"] for row in rows}
    await uses.note(connection, [(ident, ref) for ident in ids.values() for ref in refs.values()])
    return [_problem(match, ids[match.workflow_id]) for match in matches if match.workflow_id in ids]


def _tell(parts: Services, failed: Sequence[EventProblem]) -> None:
    changes = [Change(one.execution_id, one.workflow_id, 1) for one in failed if one.execution_id is not None]
    parts.doorbell.ring(changes)
    parts.settler.soon(change.execution_id for change in changes)
    for one in failed:
        log.warning("trigger_failed", workflow_id=str(one.workflow_id), node=one.node, error=one.message)


def _circumstances(match: Match, place: Place, event_id: UUID) -> EncodedJson:
    told = {"kind": "event", "node": match.node, "event_id": str(event_id), "user_id": str(place.user_id), "received_at": datetime.now(UTC)}
    return orjson.dumps(told, option=orjson.OPT_UTC_Z).decode()


def _error(match: Match) -> ExecutionError:
    problem = match.problem
    message = "The trigger's condition could not be told."
    hint = "Compare only what the event has, as JSONLogic's operators want it: numbers with numbers."
    if problem is not None:
        message, hint = f"The trigger's condition could not be told: {problem.message}", problem.hint or hint
    return ExecutionError(type="trigger_failed", message=message, hint=hint, node=match.node)


def _problem(match: Match, execution_id: UUID | None = None) -> EventProblem:
    return EventProblem(workflow_id=match.workflow_id, node=match.node, message=_error(match).message, execution_id=execution_id)
