"""The steps of an execution. Their inputs are not stored: each is what its predecessors put out (contracts.graph.step_input)."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Select, case, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Bundle

from backend.blobs.values import put_together, shown, taken_apart
from backend.errors import NotFound
from backend.models import Execution, Membership, Snapshot, Step, User
from backend.ownership import find, suffices
from backend.paging import Paging, page
from backend.settings import Settings
from backend.waits.links import links
from trestle.contracts import executions as wire
from trestle.contracts.base import JsonObject, JsonValue
from trestle.contracts.graph import Connection, Outcome, step_input
from trestle.contracts.states import FAILED_ITEMS, StepStatus
from trestle.contracts.users import ProjectRole

_PRIVATE = ("$", "retry_no")
_SHOWN = [name for name in wire.Step.model_fields if hasattr(Step, name) and name not in ("output", "refs", "wait", "items")]
# The output of a for-each may be stored apart; the list that it goes through is as long.
_COUNT = case(
    (Step.item.is_not(None), None),
    (func.json_typeof(Step.output) == "array", func.json_array_length(Step.output)),
    (Step.port.is_not(None) & (func.json_typeof(Step.items) == "array"), func.json_array_length(Step.items)),
)
_LIGHT: Bundle[Any] = Bundle("step", *(getattr(Step, name) for name in {*_SHOWN, "wait", "token", "execution_id"}), _COUNT.label("count"))


@dataclass(frozen=True)
class Narrowed:
    """Which steps are wanted: of a node, of one item, in these states; with those of single `items`, and with their `values`."""

    node: str | None = None
    item: int | None = None
    status: Sequence[StepStatus] | None = None
    items: bool = True
    values: bool = True

    def narrow(self, statement: Select[Any]) -> Select[Any]:
        """The statement with these conditions."""
        if self.node is not None:
            statement = statement.where(Step.node == self.node)
        if self.item is not None:
            statement = statement.where(Step.item == self.item)
        elif not self.items:
            statement = statement.where(Step.item.is_(None))
        return statement.where(Step.status.in_(self.status)) if self.status else statement


ALL = Narrowed()


async def listed(
    settings: Settings, session: AsyncSession, user: User, ident: UUID, paging: Paging, wanted: Narrowed = ALL
) -> tuple[list[wire.Step], str | None]:
    """A page of the execution's steps, each attempt, oldest first, and the next cursor.

    The input of an item of a for-each is that item. To whoever may run workflows, `wait` of a waiting step also says at which
    addresses it is answered.
    """
    execution = await find(session, user, Execution, ident)
    may_answer = await _may_answer(session, user, execution)
    statement = wanted.narrow(select(Step if wanted.values else _LIGHT).where(Step.execution_id == ident))
    rows, cursor = await page(session, statement, Step.id, paging, oldest_first=True)
    steps = [row[0] for row in rows]
    found = [_seen(settings, step, with_links=may_answer) for step in steps]
    await _add_calls(session, execution, found)
    if wanted.values:
        await _fill(session, execution, steps, found)
    return found, cursor


async def one(settings: Settings, session: AsyncSession, user: User, ident: UUID, step_id: UUID) -> wire.Step:
    """One attempt at a step with its values. Raises NotFound."""
    execution = await find(session, user, Execution, ident)
    step = await session.scalar(select(Step).where(Step.execution_id == ident, Step.id == step_id))
    if step is None:
        raise NotFound("This execution has no such step. GET …/steps lists those it has.")
    found = _seen(settings, step, with_links=await _may_answer(session, user, execution))
    await _add_calls(session, execution, [found])
    await _fill(session, execution, [step], [found])
    return found


async def _may_answer(session: AsyncSession, user: User, execution: Execution) -> bool:
    membership = await session.get_one(Membership, (execution.project_id, user.id))
    return suffices(membership.role, ProjectRole.OPERATOR)


def _seen(settings: Settings, step: Any, *, with_links: bool) -> wire.Step:
    """The step without its values."""
    seen = wire.Step.model_validate({name: getattr(step, name) for name in _SHOWN})
    if step.status == StepStatus.WAITING:
        seen.wait, seen.waits_for = _wait(settings, step, with_links=with_links), step.token
    if step.status == StepStatus.SUCCEEDED and step.wait:
        seen.failed_items = step.wait.get(FAILED_ITEMS)
    seen.items = _counted(step) if isinstance(step, Step) else step.count
    return seen


def _counted(step: Step) -> int | None:
    """The same as `_COUNT`, of a step that was read whole."""
    lists = (value for value in (step.output, step.items if step.port is not None else None) if isinstance(value, list))
    return None if step.item is not None else next(map(len, lists), None)


async def _add_calls(session: AsyncSession, execution: Execution, found: Sequence[wire.Step]) -> None:
    """Says of each step which executions it has started. Those of all its attempts: which one it was is not kept."""
    items = {step.item for step in found if step.item is not None}
    statement = select(Execution.id, Execution.parent_node, Execution.parent_item).where(
        Execution.parent_id == execution.id,
        Execution.parent_node.in_({step.node for step in found}),
        Execution.parent_item.is_(None) | Execution.parent_item.in_(items),
    )
    started: dict[tuple[str, int | None], list[UUID]] = defaultdict(list)
    for row in await session.execute(statement.order_by(Execution.id)):
        started[row.parent_node, row.parent_item].append(row.id)
    for step in found:
        step.calls = started[step.node, step.item] if step.status != StepStatus.SKIPPED else []


async def _fill(session: AsyncSession, execution: Execution, steps: Sequence[Step], found: Sequence[wire.Step]) -> None:
    """Puts each step's values in: what it put out, and its input, which others put out."""
    incoming = await _incoming(session, execution)
    outcomes = await _outcomes(session, execution, {c.source for step in steps for c in incoming[step.node]})
    lists = await _lists(session, execution, {step.node for step in steps if step.item is not None})
    for step, seen in zip(steps, found, strict=True):
        if step.status != StepStatus.SKIPPED:
            items = lists.get(step.node, []) if step.item is not None else []
            given = (
                items[step.item] if step.item is not None and step.item < len(items) else _input(execution, incoming[step.node], outcomes)
            )
            seen.input, seen.input_refs = taken_apart(execution.id, given)
        if _hands_on(execution, step):
            seen.output, seen.refs = execution.input, shown(execution.id, execution.input_refs)
        else:
            seen.output, seen.refs = step.output, shown(execution.id, step.refs) if step.port is not None else {}


async def _lists(session: AsyncSession, execution: Execution, nodes: set[str]) -> dict[str, list[JsonValue]]:
    """The lists over which these nodes ran, where they were recorded."""
    if not nodes:
        return {}
    recorded = select(Step.node, Step.items).where(Step.execution_id == execution.id, Step.node.in_(nodes), Step.item.is_(None))
    return {row.node: row.items for row in await session.execute(recorded.order_by(Step.attempt)) if isinstance(row.items, list)}


def _wait(settings: Settings, step: Any, *, with_links: bool) -> JsonObject:
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
