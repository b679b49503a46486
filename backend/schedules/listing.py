"""Every schedule that a user may see, with its next times and its last result."""

from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.errors import Unprocessable
from backend.models import Execution, Firing, Trigger, User, Workflow
from backend.ownership import owned
from backend.paging import Paging, page
from backend.schedules.registration import KIND
from backend.schedules.times import BadSchedule, parse
from trestle.contracts import schedules as wire
from trestle.contracts.problems import FieldError

_SHOWN = 10


async def listed(session: AsyncSession, user: User, paging: Paging) -> tuple[list[wire.Schedule], str | None]:
    """A page of the schedules of published versions, newest first, and the next cursor."""
    newest = (
        select(func.json_build_object("fire_at", Firing.fire_at, "execution_id", Firing.execution_id, "status", Execution.status))
        .outerjoin(Execution, Execution.id == Firing.execution_id)
        .where(Firing.workflow_id == Trigger.workflow_id, Firing.node == Trigger.node, Firing.execution_id.is_not(None))
        .order_by(Firing.fire_at.desc())
        .limit(1)
        .correlate(Trigger)
    )
    columns = owned(user, Trigger).where(Trigger.kind == KIND)
    columns = columns.add_columns(Workflow.name, Workflow.enabled, newest.scalar_subquery(), func.now())
    rows, cursor = await page(session, columns, Trigger.id, paging)
    return [_schedule(*row[:5]) for row in rows], cursor


def _schedule(trigger: Trigger, name: str, enabled: bool, last: Any, now: datetime) -> wire.Schedule:
    config = trigger.config
    coming: list[datetime] = []
    problem = trigger.error["message"] if trigger.error is not None else None
    try:
        schedule = parse(config)
        coming = schedule.upcoming(now, _SHOWN) if enabled else []
    except BadSchedule as error:  # also before the scheduler comes upon it
        problem = problem or str(error)
    return wire.Schedule(
        trigger_id=trigger.id,
        workflow_id=trigger.workflow_id,
        workflow_name=name,
        enabled=enabled,
        node=trigger.node,
        cron=config.get("cron") or None,
        every_s=config.get("every_s"),
        timezone=config["timezone"],
        misfire=config.get("misfire", "last"),
        next=coming,
        last=last,
        problem=problem,
    )


async def preview(session: AsyncSession, asked: wire.PreviewRequest) -> wire.SchedulePreview:
    """The next times of a schedule that need not exist. Raises Unprocessable for one that can't."""
    try:
        schedule = parse(asked.model_dump())
    except BadSchedule as error:
        raise Unprocessable(str(error), errors=[FieldError(loc=[error.field], message=str(error))]) from None
    now = (await session.execute(select(func.now()))).scalar_one()
    return wire.SchedulePreview(next=schedule.upcoming(now, _SHOWN))
