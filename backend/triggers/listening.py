"""Listening for a test event: until one came, the webhooks of a workflow's draft answer under /webhooks-test/."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from backend.errors import Conflict, Unprocessable
from backend.models import Listener, Node, Trigger, User, WebhookRoute, Workflow
from backend.ownership import find
from backend.services import Services
from backend.triggers.trials import PREFIX, methods_of
from backend.workflows import drafts, publishing
from trestle.contracts.problems import FieldError
from trestle.contracts.users import ProjectRole
from trestle.contracts.workflows import Listening, WebhookUrl

_LASTS = timedelta(minutes=10)

Route = tuple[str, str]
"""A path and a method."""


async def listen(parts: Services, session: AsyncSession, user: User, workflow_id: UUID) -> Listening:
    """Where to send a test event, and until when. Webhooks of the draft that have no path get one.

    Raises Unprocessable where the draft has no webhook, Conflict where somebody else has its path.
    """
    workflow = await find(session, user, Workflow, workflow_id, needs=ProjectRole.EDITOR, lock=True)
    draft = await publishing.with_paths(parts, session, user, workflow, await drafts.load(session, workflow.id))
    hooks = [node for node in draft.nodes.values() if node.type == publishing.WEBHOOK and not node.disabled]
    hooks = [node for node in hooks if isinstance(node.config["path"], str)]
    if not hooks:
        message = "The draft has no webhook that could be called. Add one, or enable it."
        raise Unprocessable(message, errors=[FieldError(loc=["nodes"], message=message)])
    routes = {(node.config["path"], method) for node in hooks for method in methods_of(node.config)}
    taken = routes & (await _published(session, workflow.id, routes) | await _listening(session, workflow.id))
    if taken:
        where = ", ".join(sorted({path for path, _ in taken}))
        raise Conflict(f"Another workflow has a webhook on {where} with the same method, or listens there. Choose another path.")
    values = {"user_id": user.id, "created_at": func.now(), "expires_at": func.now() + _LASTS}
    row = insert(Listener).values(workflow_id=workflow.id, **values).on_conflict_do_update(index_elements=["workflow_id"], set_=values)
    expires_at = (await session.scalars(row.returning(Listener.expires_at))).one()
    start = parts.settings.base_url + PREFIX
    urls = [WebhookUrl(node=node.key, url=start + node.config["path"], methods=sorted(methods_of(node.config))) for node in hooks]
    return Listening(test_url=urls[0].url, expires_at=expires_at, urls=urls)


async def stop(session: AsyncSession, user: User, workflow_id: UUID) -> None:
    """No longer. Nothing happens where nobody listened."""
    workflow = await find(session, user, Workflow, workflow_id, needs=ProjectRole.EDITOR)
    await session.execute(delete(Listener).where(Listener.workflow_id == workflow.id))


async def _published(session: AsyncSession, workflow_id: UUID, routes: set[Route]) -> set[Route]:
    """Those of the routes that other workflows have."""
    query = select(WebhookRoute.path, WebhookRoute.method).join(Trigger, Trigger.id == WebhookRoute.trigger_id)
    query = query.where(Trigger.workflow_id != workflow_id, WebhookRoute.path.in_({path for path, _ in routes}))
    return {(row.path, row.method) for row in await session.execute(query)}


async def _listening(session: AsyncSession, workflow_id: UUID) -> set[Route]:
    """Where other workflows listen just now."""
    query = select(Node.config).join(Listener, Listener.workflow_id == Node.workflow_id)
    query = query.where(Listener.workflow_id != workflow_id, Listener.expires_at > func.now(), Node.type == publishing.WEBHOOK)
    return {(str(config.get("path")), method) for config in await session.scalars(query) for method in methods_of(config)}
