"""Publishing: a draft becomes an immutable version, and its triggers are registered, in one transaction."""

import secrets
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, insert, select, tuple_
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from backend.audit.service import record
from backend.catalogue.service import NodeTypes
from backend.errors import Conflict, Unprocessable
from backend.ids import new_id
from backend.models import Snapshot, Trigger, User, Version, WebhookRoute, Workflow
from backend.ownership import find
from backend.schedules import registration
from backend.services import Services
from backend.workflows import drafts, problems, snapshots
from backend.workflows.drafts import Draft
from trestle.contracts import workflows as wire
from trestle.contracts.audit import Action
from trestle.contracts.graph import Node, WorkflowSettings
from trestle.contracts.problems import FieldError
from trestle.contracts.users import ProjectRole

WEBHOOK = "trigger.webhook"
_PATH_BYTES = 16


async def publish(parts: Services, session: AsyncSession, user: User, ident: UUID, body: wire.PublishRequest) -> wire.Version:
    """Freezes the draft as the next version. Raises Unprocessable with every problem, Conflict where a webhook path is taken."""
    workflow = await find(session, user, Workflow, ident, needs=ProjectRole.EDITOR, lock=True)
    return await _publish(parts, session, user, workflow, body.message)


async def _publish(parts: Services, session: AsyncSession, user: User, workflow: Workflow, message: str) -> wire.Version:
    types = await parts.catalogue.current(session)
    draft = await with_paths(parts, session, user, workflow, await drafts.load(session, workflow.id))
    found = await problems.of(parts, session, workflow, draft)
    if found:
        first = f"{found[0].node}: {found[0].message}" if found[0].node else found[0].message
        more = f" (and {len(found) - 1} more, see errors)" if len(found) > 1 else ""
        raise Unprocessable(f"The workflow can't be published yet. {first}{more}", errors=found)
    settings = WorkflowSettings.model_validate(workflow.settings)
    snapshot = await snapshots.ensure(session, draft.nodes.values(), draft.connections.values(), settings)
    last = await session.scalar(select(func.max(Version.number)).where(Version.workflow_id == workflow.id))
    version = Version(
        workflow_id=workflow.id, number=(last or 0) + 1, snapshot_id=snapshot, message=message, created_by=user.id, created_at=func.now()
    )
    session.add(version)
    await session.flush()
    await session.refresh(version)
    await _register(session, workflow, version, draft, types, settings)
    workflow.published_version = version.number
    workflow.published_revision = workflow.revision
    record(session, Action.WORKFLOW_PUBLISHED, workflow.id, workflow.name, workflow.project_id, {"version": version.number})
    await session.flush()
    return wire.Version.model_validate({**{name: getattr(version, name) for name in _VERSION}, "live": True})


_VERSION = ("number", "message", "created_at", "created_by")


async def with_paths(parts: Services, session: AsyncSession, user: User, workflow: Workflow, draft: Draft) -> Draft:
    """The draft with a path that nobody can guess for every webhook that has none: stored, so that it stays the same."""
    nodes = {
        key: node.model_copy(update={"config": {**node.config, "path": secrets.token_hex(_PATH_BYTES)}})
        if node.type == WEBHOOK and not node.config.get("path")
        else node
        for key, node in draft.nodes.items()
    }
    after = Draft(nodes, draft.connections)
    if drafts.touched(draft, after):
        await drafts.change(parts.doorbell, session, workflow, draft, after, user_id=user.id)
    return after


async def _register(
    session: AsyncSession, workflow: Workflow, version: Version, draft: Draft, types: NodeTypes, settings: WorkflowSettings
) -> None:
    """Replaces the workflow's triggers by the version's. They get new ids: whoever remembers an old one finds nothing."""
    # Locked, so that what the scheduler and a poll's report write just now is not written over.
    known = await session.scalars(select(Trigger).where(Trigger.workflow_id == workflow.id).with_for_update())
    old = {trigger.node: trigger for trigger in known.all()}
    await session.execute(delete(Trigger).where(Trigger.workflow_id == workflow.id))
    routes: list[tuple[str, dict[str, Any]]] = []
    triggers: list[dict[str, Any]] = []
    for node in draft.nodes.values():
        kind = types.get(node.type)
        if kind is None or not kind.is_trigger or node.disabled:
            continue
        ident = new_id()
        config = registration.config_of(node, settings)
        triggers.append(
            {
                "id": ident,
                "workflow_id": workflow.id,
                "node": node.key,
                "kind": node.type.removeprefix("trigger."),
                "version": version.number,
                "snapshot_id": version.snapshot_id,
                "config": config,
                **registration.kept(kind, config, old.get(node.key)),
            }
        )
        if node.type == WEBHOOK:
            path = node.config["path"]
            routes += [(node.key, {"path": path, "method": method, "trigger_id": ident}) for method in _methods(node, types)]
    if triggers:
        await session.execute(insert(Trigger), triggers)
    if routes:
        await _claim_routes(session, routes)
    if workflow.enabled:
        await registration.arm(session, workflow.id)


def _methods(node: Node, types: NodeTypes) -> list[str]:
    """The methods that a webhook answers to: configured, or else the node type's default."""
    kind = types.get(node.type)
    default: Any = kind.config_schema.get("properties", {}).get("methods", {}).get("default") if kind else None
    methods: list[str] = node.config.get("methods") or default or ["POST"]
    return list(dict.fromkeys(methods))


async def _claim_routes(session: AsyncSession, routes: list[tuple[str, dict[str, Any]]]) -> None:
    """Registers `(node key, route)`s. Raises Conflict, with the nodes, where another webhook has one of them."""
    try:
        async with session.begin_nested():
            await session.execute(insert(WebhookRoute), [route for _, route in routes])
    except IntegrityError:
        taken = await _taken(session, routes)
        # None, where the other one went away just now.
        says = taken[0].message if taken else "Another webhook listened on the same path until now. Publish again."
        raise Conflict(says, errors=taken) from None


async def _taken(session: AsyncSession, routes: list[tuple[str, dict[str, Any]]]) -> list[FieldError]:
    """What is to be said at which webhook: those whose route exists, and those after the first of two that are alike."""
    asked = tuple_(WebhookRoute.path, WebhookRoute.method)
    wanted = [(route["path"], route["method"]) for _, route in routes]
    rows = await session.execute(select(WebhookRoute.path, WebhookRoute.method).where(asked.in_(wanted)))
    seen = {(path, method) for path, method in rows}
    errors: dict[str, FieldError] = {}
    for (key, route), own in zip(routes, wanted, strict=True):
        if own in seen:
            message = f"Another webhook already listens on {route['method']} /webhooks/{route['path']}. Choose another path."
            errors.setdefault(key, FieldError(loc=["config", "path"], node=key, message=message))
        seen.add(own)
    return list(errors.values())


async def require_firing(parts: Services, session: AsyncSession, user: User, workflow: Workflow) -> None:
    """What enabling needs: a published version (published now if there is none) with a trigger that fires by itself.

    Raises Unprocessable.
    """
    if workflow.published_version is None:
        await _publish(parts, session, user, workflow, "")
    types = await parts.catalogue.current(session)
    live = select(Snapshot.graph).join(Version, Version.snapshot_id == Snapshot.id)
    live = live.where(Version.workflow_id == workflow.id, Version.number == workflow.published_version)
    graph = (await session.scalars(live)).one()
    if not any((kind := types.get(n["type"])) and kind.fires_itself and not n.get("disabled") for n in graph["nodes"]):
        message = (
            "No trigger of the published version fires by itself: a workflow that is started by hand needs no enabling. "
            "Add a webhook or a schedule."
        )
        raise Unprocessable(message, errors=[FieldError(loc=["enabled"], message=message)])
