"""Workflows: made, listed, read, changed, removed."""

from typing import Any
from uuid import UUID

from sqlalchemy import JSON, ColumnElement, Select, func, literal, literal_column, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.audit.service import record
from backend.errors import NotFound
from backend.ids import new_id
from backend.models import Node, Trigger, User, WebhookRoute, Workflow
from backend.ownership import find, owned, project_for
from backend.paging import Paging, page
from backend.schedules import registration
from backend.services import Services
from backend.workflows import drafts, problems, publishing
from backend.workflows.drafts import Draft
from trestle.contracts import workflows as wire
from trestle.contracts.audit import Action
from trestle.contracts.base import JsonObject
from trestle.contracts.graph import NOTE, WorkflowSettings
from trestle.contracts.users import ProjectRole

_COUNT = select(func.count()).where(Node.workflow_id == Workflow.id, Node.type != NOTE).correlate(Workflow).scalar_subquery()
# Each reads the 14 newest entries of executions_of_workflow, however many executions a workflow has.
_RECENT: ColumnElement[list[JsonObject] | None] = literal_column(
    """(select json_agg(json_build_object('id', id, 'status', status, 'created_at', created_at,
        'ms', round(extract(epoch from finished_at - started_at) * 1000)) order by id desc)
    from (
        select id, status, created_at, started_at, finished_at from executions
        where workflow_id = workflows.id and kind = 'run' order by id desc limit 14
    ) newest)""",
    JSON(),
)


async def create(parts: Services, session: AsyncSession, user: User, body: wire.NewWorkflow) -> wire.Workflow:
    """A new workflow with its draft. Raises Unprocessable where the graph is impossible."""
    project = await project_for(session, user, body.project_id)
    draft = drafts.drawn(body.nodes, body.connections)
    workflow = Workflow(
        id=new_id(),
        project_id=project.id,
        name=body.name,
        description=body.description,
        settings=body.settings.model_dump(mode="json"),
        tags=body.tags,
        folder=body.folder,
        created_by=user.id,
    )
    session.add(workflow)
    await session.flush()
    await drafts.save(session, workflow.id, Draft({}, {}), draft)
    record(session, Action.WORKFLOW_CREATED, workflow.id, workflow.name, workflow.project_id)
    return await read(parts, session, user, workflow.id)


def _with_summary(statement: Select[Any]) -> Select[Any]:
    return statement.add_columns(_COUNT.label("node_count"), _RECENT.label("recent"))


def summary(workflow: Workflow, node_count: int, recent: list[JsonObject] | None) -> wire.WorkflowSummary:
    """A row of the list. `recent`: its newest executions, newest first."""
    newest = recent or []
    return wire.WorkflowSummary(
        **{name: getattr(workflow, name) for name in wire.WorkflowSummary.model_fields if hasattr(Workflow, name)},
        has_unpublished_changes=workflow.published_revision != workflow.revision,
        node_count=node_count,
        last_execution={name: newest[0][name] for name in ("id", "status", "created_at")} if newest else None,
        recent=[wire.RecentRun.model_validate(run) for run in reversed(newest)],
    )


async def listed(
    session: AsyncSession,
    user: User,
    paging: Paging,
    *,
    search: str | None = None,
    tag: str | None = None,
    folder: str | None = None,
    enabled: bool | None = None,
    project_id: UUID | None = None,
) -> tuple[list[wire.WorkflowSummary], str | None]:
    """A page of the workflows that `user` may see, newest first."""
    statement = _with_summary(owned(user, Workflow))
    if search:
        statement = statement.where(
            or_(Workflow.name.icontains(search, autoescape=True), Workflow.description.icontains(search, autoescape=True))
        )
    if tag is not None:
        statement = statement.where(literal(tag) == func.any(Workflow.tags))
    if folder is not None:
        statement = statement.where(Workflow.folder == folder)
    if enabled is not None:
        statement = statement.where(Workflow.enabled == enabled)
    if project_id is not None:
        statement = statement.where(Workflow.project_id == project_id)
    rows, cursor = await page(session, statement, Workflow.id, paging)
    return [summary(row[0], row[1], row[2]) for row in rows], cursor


async def labels(session: AsyncSession, user: User) -> wire.Labels:
    """Every tag and folder that stands on a workflow which `user` may see, in the alphabet's order."""
    seen = owned(user, Workflow).with_only_columns(Workflow.folder, Workflow.tags).subquery()
    tags = await session.scalars(select(func.unnest(seen.c.tags)).distinct())
    folders = await session.scalars(select(seen.c.folder).where(seen.c.folder != "").distinct())
    return wire.Labels(tags=sorted(tags, key=str.casefold), folders=sorted(folders, key=str.casefold))


async def read(parts: Services, session: AsyncSession, user: User, ident: UUID) -> wire.Workflow:
    """One workflow whole. Raises NotFound."""
    await session.flush()
    statement = _with_summary(owned(user, Workflow)).where(Workflow.id == ident).execution_options(populate_existing=True)
    row = (await session.execute(statement)).one_or_none()
    if row is None:
        raise NotFound("There is no workflow with this id. It may have been deleted; list what is there and try again.")
    workflow: Workflow = row[0]
    draft = await drafts.load(session, ident)
    return wire.Workflow.model_construct(
        **dict(summary(workflow, row[1], row[2])),
        settings=WorkflowSettings.model_validate(workflow.settings),
        nodes=list(draft.nodes.values()),
        connections=list(draft.connections.values()),
        problems=await problems.of(parts, session, workflow, draft),
        webhooks=await _webhooks(parts, session, ident),
        polls=await _polls(session, ident),
    )


async def _webhooks(parts: Services, session: AsyncSession, ident: UUID) -> list[wire.WebhookUrl]:
    query = (
        select(Trigger.node, WebhookRoute.path, func.array_agg(WebhookRoute.method).label("methods"))
        .join(WebhookRoute, WebhookRoute.trigger_id == Trigger.id)
        .where(Trigger.workflow_id == ident)
        .group_by(Trigger.node, WebhookRoute.path)
        .order_by(Trigger.node)
    )
    rows = await session.execute(query)
    base = parts.settings.base_url
    return [wire.WebhookUrl(node=row.node, url=f"{base}/webhooks/{row.path}", methods=sorted(row.methods)) for row in rows]


async def _polls(session: AsyncSession, ident: UUID) -> list[wire.Poll]:
    rows = await session.scalars(
        select(Trigger).where(Trigger.workflow_id == ident, Trigger.poll_every_s.is_not(None)).order_by(Trigger.node)
    )
    return [
        wire.Poll(node=row.node, every_s=row.poll_every_s or 0, due_at=row.due_at, failures=row.failures, error=row.error) for row in rows
    ]


async def change(parts: Services, session: AsyncSession, user: User, ident: UUID, body: wire.WorkflowChange) -> wire.Workflow:
    """Changes what is given. Enabling publishes first where nothing is published."""
    workflow = await find(session, user, Workflow, ident, needs=ProjectRole.EDITOR, lock=True)
    changed = []
    for name in ("name", "description", "tags", "folder"):
        value = getattr(body, name)
        if value is not None and value != getattr(workflow, name):
            changed.append(name)
            setattr(workflow, name, value)
            workflow.updated_at = func.now()
    if body.settings is not None:
        settings = body.settings.model_dump(mode="json")
        if settings != workflow.settings:
            changed.append("settings")
            workflow.settings = settings
            await drafts.settle(parts.doorbell, session, workflow, user.id)
    if changed:
        record(session, Action.WORKFLOW_CHANGED, workflow.id, workflow.name, workflow.project_id, {"fields": changed})
    if body.enabled is not None and body.enabled != workflow.enabled:
        if body.enabled:
            await publishing.require_firing(parts, session, user, workflow)
        workflow.enabled = body.enabled
        action = Action.WORKFLOW_ENABLED if body.enabled else Action.WORKFLOW_DISABLED
        record(session, action, workflow.id, workflow.name, workflow.project_id)
        await (registration.arm if body.enabled else registration.disarm)(session, workflow.id)
    return await read(parts, session, user, ident)


async def validate(parts: Services, session: AsyncSession, user: User, ident: UUID) -> wire.Problems:
    """What publishing would refuse."""
    workflow = await find(session, user, Workflow, ident)
    return wire.Problems(problems=await problems.of(parts, session, workflow, await drafts.load(session, ident)))
