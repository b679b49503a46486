"""What became of the approvals that notifications lead to."""

from collections.abc import Sequence

from sqlalchemy import JSON, Boolean, Integer, column, text
from sqlalchemy.ext.asyncio import AsyncSession

from backend.models import Notification
from backend.settings import Settings
from trestle.contracts.notifications import Outcome
from trestle.contracts.resume_tokens import Bearer, read

_OUTCOMES = text(
    """
select a.place, r.answer,
    e.id is null or e.finished_at is not null or coalesce(s.status not in ('pending', 'running', 'waiting'), false) as over
from unnest(cast(:executions as uuid[]), cast(:nodes as text[]), cast(:items as int[])) with ordinality a (execution_id, node, item, place)
left join executions e on e.id = a.execution_id
left join resolutions r on r.execution_id = e.id and r.node = a.node and r.item is not distinct from a.item
left join lateral (
    select status from steps
    where execution_id = e.id and node = a.node and item is not distinct from a.item order by attempt desc limit 1
) s on true
"""
).columns(column("place", Integer), column("answer", JSON), column("over", Boolean))


async def outcomes(session: AsyncSession, settings: Settings, told: Sequence[Notification]) -> list[Outcome | None]:
    """For each of them what was decided; None where it is open, or asks nothing. One query for all."""
    asked = [_asked(settings, notification.link) for notification in told]
    asking = [(place, bearer) for place, bearer in enumerate(asked) if bearer is not None]
    found: list[Outcome | None] = [None] * len(told)
    if not asking:
        return found
    bearers = [bearer for _, bearer in asking]
    values = {
        "executions": [bearer.execution_id for bearer in bearers],
        "nodes": [bearer.node for bearer in bearers],
        "items": [bearer.item for bearer in bearers],
    }
    for row in await session.execute(_OUTCOMES, values):
        answer = row.answer if isinstance(row.answer, dict) else {}
        if answer.get("decision") in ("approved", "rejected"):
            found[asking[row.place - 1][0]] = Outcome(decision=answer["decision"], by=answer.get("by"))
        elif row.over:
            found[asking[row.place - 1][0]] = Outcome(decision="over")
    return found


def _asked(settings: Settings, link: str | None) -> Bearer | None:
    """What a link to an approval speaks for; None where it leads elsewhere."""
    _, is_one, token = (link or "").partition("/approvals/")
    bearer = read(settings.secret_key.get_secret_value(), token.partition("?")[0]) if is_one else None
    return bearer if bearer is not None and bearer.kind == "approval" else None
