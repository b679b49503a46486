"""Taking an event: everything that it starts is stored in one transaction, or nothing is."""

from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from backend.blobs.service import encoded_refs
from backend.events.matching import Match
from backend.executions import births, repeats, trigger_failures
from backend.executions.births import Birth
from backend.executions.trigger_failures import Failure
from backend.ids import new_id
from backend.models import User
from backend.ownership import project_for
from backend.services import Services
from trestle.contracts.base import EncodedJson, JsonObject
from trestle.contracts.events import EventProblem, EventStart, EventTaken
from trestle.contracts.executions import ExecutionError
from trestle.contracts.users import ProjectRole


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
    await parts.acceptor.backlog.admit(len(matches))  # those that fail start error workflows
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
        # A trigger that can't tell whether it fires has failed. Each such event is one that may be lost, so each is told of.
        failed = await trigger_failures.record(
            connection,
            [
                Failure(match.trigger_id, _circumstances(match, place, event_id), _error(match), text, refs)
                for match in matches
                if match.problem is not None
            ],
        )
        ids = {one.trigger_id: one.execution_id for one in failed}
        problems = [_problem(match, ids[match.trigger_id]) for match in matches if match.trigger_id in ids]
        taken = EventTaken(
            event_id=event_id,
            executions=[EventStart(workflow_id=one.workflow_id, execution_id=one.execution_id) for one in born],
            problems=problems or None,
        )
        if key:
            await repeats.remember(connection, scope, key, taken.model_dump_json(exclude_none=True))
    parts.acceptor.announce([(one.execution_id, one.workflow_id) for one in born])
    trigger_failures.announce(parts.doorbell, parts.settler, failed)
    for match in firing:
        parts.calls.note(match.trigger_id)
    return taken


def _circumstances(match: Match, place: Place, event_id: UUID) -> EncodedJson:
    told = {"kind": "event", "node": match.node, "event_id": str(event_id), "user_id": str(place.user_id), "received_at": datetime.now(UTC)}
    return orjson.dumps(told, option=orjson.OPT_UTC_Z).decode()


def _error(match: Match) -> ExecutionError:
    problem = match.problem
    message = "The trigger's condition could not be told."
    hint = "Compare only what the event has, as JSONLogic's operators want it: numbers with numbers."
    if problem is not None:
        message, hint = f"The trigger's condition could not be told: {problem.message}", problem.hint or hint
    return trigger_failures.failure(match.node, message, hint)


def _problem(match: Match, execution_id: UUID | None = None) -> EventProblem:
    return EventProblem(workflow_id=match.workflow_id, node=match.node, message=_error(match).message, execution_id=execution_id)
