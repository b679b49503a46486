"""Every webhook URL that a user may see."""

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.models import Trigger, User, WebhookRoute, Workflow
from backend.ownership import owned
from backend.paging import Paging, page
from backend.settings import Settings
from trestle.contracts.overview import Webhook


async def webhooks(session: AsyncSession, settings: Settings, user: User, paging: Paging) -> tuple[list[Webhook], str | None]:
    """A page of the webhooks of published versions, newest first."""
    methods = select(func.array_agg(WebhookRoute.method)).where(WebhookRoute.trigger_id == Trigger.id).correlate(Trigger)
    statement = owned(user, Trigger).where(Trigger.kind == "webhook")
    columns = statement.add_columns(Workflow.name, Workflow.enabled, methods.scalar_subquery())
    rows, cursor = await page(session, columns, Trigger.id, paging)
    found = [
        Webhook(
            workflow_id=trigger.workflow_id,
            workflow_name=name,
            enabled=enabled,
            node=trigger.node,
            url=f"{settings.base_url}/webhooks/{trigger.config['path']}",
            methods=sorted(answered),
            auth=(trigger.config.get("auth") or {}).get("kind", "none"),
            last_called_at=trigger.last_fired_at,
        )
        for trigger, name, enabled, answered, _ in rows
    ]
    return found, cursor
