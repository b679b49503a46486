"""The steps of an execution. Their inputs are not stored: each is what its predecessors put out (contracts.graph.step_input)."""

from collections import defaultdict
from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.blobs.values import put_together, shown, taken_apart
from backend.models import Execution, Membership, Snapshot, Step, User
from backend.ownership import find, suffices
from backend.paging import Paging, page
from backend.settings import Settings
from backend.waits.links import links
from trestle.contracts import executions as wire
from trestle.contracts.base import JsonObject, JsonValue
from trestle.contracts.graph import Connection, Outcome, step_input
from trestle.contracts.states import StepStatus
from trestle.contracts.users import ProjectRole

_PRIVATE = ("$", "retry_no")


async def listed(settings: Settings, session: AsyncSession, user: User, ident: UUID, paging: Paging) -> tuple[list[wire.Step], str | None]:
    """A page of the execution's steps, each attempt, oldest first, and the next cursor.

    To whoever may run workflows, `wait` of a waiting step also says at which addresses it is answered.
    """
    execution = await find(session, user, Execution, ident)
    statement = select(Step).where(Step.execution_id == ident)
    rows, cursor = await page(session, statement, Step.id, paging, oldest_first=True)
    steps = [row[0] for row in rows]
    membership = await session.get_one(Membership, (execution.project_id, user.id))
    may_answer = suffices(membership.role, ProjectRole.OPERATOR)
    incoming = await _incoming(session, execution)
    outcomes = await _outcomes(session, execution, {c.source for step in steps for c in incoming[step.node]})
    found = []
    for step in steps:
        seen = wire.Step.model_validate(step)
        if step.status != StepStatus.SKIPPED:
            seen.input, seen.input_refs = taken_apart(ident, _input(execution, incoming[step.node], outcomes))
        if _hands_on(execution, step):
            seen.output, seen.refs = execution.input, shown(ident, execution.input_refs)
        else:
            seen.refs = shown(ident, step.refs) if step.port is not None else {}
        seen.wait = _wait(settings, step, with_links=may_answer) if step.status == StepStatus.WAITING else None
        found.append(seen)
    return found, cursor


def _wait(settings: Settings, step: Step, *, with_links: bool) -> JsonObject:
    """What the step waits for, without what only executors understand, and until when."""
    told = {name: value for name, value in (step.wait or {}).items() if not name.startswith(_PRIVATE)}
    until = {"until": step.due_at} if step.due_at is not None else {}
    return {**told, **until, **(links(settings, step.execution_id, step.node, step.item, step.token) if with_links else {})}


def _start(execution: Execution) -> str | None:
    """Key of the node at which the execution started."""
    return execution.trigger.get("node")


def _hands_on(execution: Execution, step: Step) -> bool:
    """Whether the step is the trigger's: its output is the execution's input, which is stored once, there."""
    return step.node == _start(execution) and step.status == StepStatus.SUCCEEDED and step.output is None


def _input(execution: Execution, incoming: Iterable[Connection], outcomes: dict[str, Outcome]) -> JsonValue:
    if execution.only_node is not None and not outcomes:
        return put_together(execution.input, execution.input_refs)
    return step_input(incoming, outcomes)


async def _incoming(session: AsyncSession, execution: Execution) -> dict[str, list[Connection]]:
    snapshot = await session.get_one(Snapshot, execution.snapshot_id)
    found: dict[str, list[Connection]] = defaultdict(list)
    for drawn in snapshot.graph["connections"]:
        connection = Connection.model_validate(drawn)
        found[connection.target].append(connection)
    return found


async def _outcomes(session: AsyncSession, execution: Execution, nodes: set[str]) -> dict[str, Outcome]:
    """How these nodes ended: of each, its newest attempt that left by a port. Large values are references in their outputs."""
    if not nodes:
        return {}
    statement = (
        select(Step)
        .where(Step.execution_id == execution.id, Step.node.in_(nodes), Step.item.is_(None), Step.port.is_not(None))
        .order_by(Step.attempt)
    )
    found = {}
    for step in await session.scalars(statement):
        hands_on = _hands_on(execution, step)
        value, refs = (execution.input, execution.input_refs) if hands_on else (step.output, step.refs)
        found[step.node] = Outcome(step.port, put_together(value, refs))
    return found
