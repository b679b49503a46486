"""What publishing and enabling mean for the triggers that fire by themselves, and what can't be published."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from backend.models import Trigger
from backend.schedules.times import BadSchedule, parse
from trestle.contracts.graph import Node, WorkflowSettings
from trestle.contracts.node_types import NodeType
from trestle.contracts.problems import FieldError

SCHEDULE = "trigger.schedule"
KIND = "schedule"
_SHORTEST_POLL_S = 1.0


def broken_by_schedule(node: Node, settings: WorkflowSettings) -> Iterable[FieldError]:
    """A problem for a schedule that can't be."""
    if node.type != SCHEDULE:
        return
    try:
        parse(node.config, timezone=settings.timezone)
    except BadSchedule as error:
        if error.field != "timezone" or node.config.get("timezone"):  # else it is the workflow's, which has a problem of its own
            yield FieldError(loc=["config", error.field], node=node.key, message=f"{error.field}: {error}")


def config_of(node: Node, settings: WorkflowSettings) -> dict[str, Any]:
    """The node's config as its trigger keeps it: a schedule's with the zone that it means."""
    if node.type != SCHEDULE or node.config.get("timezone"):
        return dict(node.config)
    return {**node.config, "timezone": settings.timezone}


def kept(kind: NodeType, config: Mapping[str, Any], old: Trigger | None) -> dict[str, Any]:
    """Columns of a trigger that is published anew: what its predecessor at the same node knew. It stays due when it was, unless
    its schedule is another now."""
    every_s = _poll_every_s(kind, config)
    known: dict[str, Any] = {"poll_every_s": every_s, "last_fired_at": old.last_fired_at if old is not None else None}
    if old is None or f"trigger.{old.kind}" != kind.type:
        return {**known, "state": None, "due_at": None, "poll_id": None, "failures": 0, "error": None}
    same = _same_schedule(old.config, config) if old.kind == KIND else every_s is not None
    return {
        **known,
        "state": old.state,
        "due_at": old.due_at if same else None,
        "poll_id": old.poll_id,
        "failures": old.failures,
        "error": old.error,
    }


def _poll_every_s(kind: NodeType, config: Mapping[str, Any]) -> float | None:
    if kind.poll_every_s is None:
        return None
    chosen = config.get("poll_interval_s")
    return max(float(chosen) if isinstance(chosen, int | float) else kind.poll_every_s, _SHORTEST_POLL_S)


def _same_schedule(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    try:
        return parse(one) == parse(other)
    except BadSchedule:
        return False


async def arm(session: AsyncSession, workflow_id: UUID) -> None:
    """Gives each schedule and poll of an enabled workflow that has none its next due time: a schedule's next time, never a past
    one; a poll is due at once."""
    wanted = Trigger.workflow_id == workflow_id, Trigger.due_at.is_(None), or_(Trigger.kind == KIND, Trigger.poll_every_s.is_not(None))
    rows = (await session.execute(select(Trigger.id, Trigger.kind, Trigger.config, func.clock_timestamp()).where(*wanted))).all()
    for ident, kind, config, now in rows:
        due_at = _first(config, now) if kind == KIND else now
        await session.execute(update(Trigger).where(Trigger.id == ident).values(due_at=due_at))


def _first(config: Mapping[str, Any], now: datetime) -> datetime | None:
    """A schedule that became unreadable since it was published is due at once: the scheduler says what is wrong with it."""
    try:
        return next(parse(config).after(now), None)
    except BadSchedule:
        return now


async def disarm(session: AsyncSession, workflow_id: UUID) -> None:
    """Nothing of this workflow is due any more; what a poll under way finds is not kept."""
    values = {"due_at": None, "poll_id": None, "failures": 0, "error": None}
    await session.execute(update(Trigger).where(Trigger.workflow_id == workflow_id).values(**values))
