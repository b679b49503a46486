"""`/workflows`."""

from typing import Annotated
from uuid import UUID

from fastapi import Header
from starlette.responses import Response

from backend.deps import CurrentUser, ServicesDep, Session
from backend.paging import PagingDep
from backend.routing import router as new_router
from backend.workflows import deletion, documents, graphs, operations, publishing, service, versions
from backend.workflows import preview as previews
from trestle.contracts import workflows as wire
from trestle.contracts.base import Page
from trestle.contracts.graph import Graph

router = new_router("/workflows", tag="workflows")


@router.post("", status_code=201)
async def create(parts: ServicesDep, session: Session, user: CurrentUser, body: wire.NewWorkflow) -> wire.Workflow:
    """A new workflow, with its graph where one is given."""
    return await service.create(parts, session, user, body)


@router.get("")
async def listed(
    session: Session,
    user: CurrentUser,
    paging: PagingDep,
    search: str | None = None,
    tag: str | None = None,
    folder: str | None = None,
    enabled: bool | None = None,
    project_id: UUID | None = None,
) -> Page[wire.WorkflowSummary]:
    """The workflows of the caller's projects, newest first."""
    items, cursor = await service.listed(
        session, user, paging, search=search, tag=tag, folder=folder, enabled=enabled, project_id=project_id
    )
    return Page(items=items, next_cursor=cursor)


@router.get("/labels")
async def labels(session: Session, user: CurrentUser) -> wire.Labels:
    """The tags and folders in use, to choose from."""
    return await service.labels(session, user)


@router.get("/{workflow_id}")
async def read(parts: ServicesDep, session: Session, user: CurrentUser, workflow_id: UUID) -> wire.Workflow:
    """One workflow whole, with what publishing would refuse."""
    return await service.read(parts, session, user, workflow_id)


@router.patch("/{workflow_id}")
async def change(parts: ServicesDep, session: Session, user: CurrentUser, workflow_id: UUID, body: wire.WorkflowChange) -> wire.Workflow:
    """Change a workflow, or enable it: that publishes first where nothing is published."""
    return await service.change(parts, session, user, workflow_id, body)


@router.delete("/{workflow_id}", status_code=204)
async def remove(parts: ServicesDep, session: Session, user: CurrentUser, workflow_id: UUID) -> None:
    """Delete a workflow with its triggers. Its executions stay; those under way are cancelled. 503 half-way: delete it again."""
    await deletion.delete(parts, session, user, workflow_id)


@router.put("/{workflow_id}/graph")
async def replace_graph(
    parts: ServicesDep,
    session: Session,
    user: CurrentUser,
    workflow_id: UUID,
    body: Graph,
    if_match: Annotated[str | None, Header(description="The revision that the graph is based on")] = None,
) -> wire.Workflow:
    """Replace the draft's graph. Keys that stay keep their ids."""
    return await graphs.replace(parts, session, user, workflow_id, body, if_match)


@router.post("/{workflow_id}/operations")
async def operate(
    parts: ServicesDep, session: Session, user: CurrentUser, workflow_id: UUID, body: wire.Operations
) -> wire.OperationsApplied:
    """What an editor did since a revision. Sending it again is harmless."""
    return await operations.apply(parts, session, user, workflow_id, body)


@router.post("/{workflow_id}/validate")
async def validate(parts: ServicesDep, session: Session, user: CurrentUser, workflow_id: UUID) -> wire.Problems:
    """What publishing would refuse."""
    return await service.validate(parts, session, user, workflow_id)


@router.post("/{workflow_id}/preview", response_model_exclude_unset=True)
async def preview(parts: ServicesDep, session: Session, user: CurrentUser, workflow_id: UUID, body: wire.PreviewRequest) -> wire.Preview:
    """`{value}` or `{error}` of an expression over recorded data."""
    return await previews.preview(parts.blobs, session, user, workflow_id, body)


@router.post("/{workflow_id}/publish", status_code=201)
async def publish(
    parts: ServicesDep, session: Session, user: CurrentUser, workflow_id: UUID, body: wire.PublishRequest | None = None
) -> wire.Version:
    """Freeze the draft as the next version and register its triggers."""
    return await publishing.publish(parts, session, user, workflow_id, body or wire.PublishRequest())


@router.get("/{workflow_id}/versions")
async def list_versions(session: Session, user: CurrentUser, paging: PagingDep, workflow_id: UUID) -> Page[wire.Version]:
    """The published versions, newest first."""
    items, cursor = await versions.listed(session, user, workflow_id, paging)
    return Page(items=items, next_cursor=cursor)


@router.get("/{workflow_id}/versions/{number}")
async def read_version(session: Session, user: CurrentUser, workflow_id: UUID, number: int) -> wire.VersionWhole:
    """One version with its graph."""
    return await versions.read(session, user, workflow_id, number)


@router.post("/{workflow_id}/versions/{number}/restore")
async def restore(parts: ServicesDep, session: Session, user: CurrentUser, workflow_id: UUID, number: int) -> wire.Workflow:
    """Make a version the draft again."""
    return await versions.restore(parts, session, user, workflow_id, number)


@router.get("/{workflow_id}/versions/{first}/diff/{second}")
async def diff(session: Session, user: CurrentUser, workflow_id: UUID, first: int, second: int) -> wire.Diff:
    """What differs between two versions, per node and field."""
    return await versions.diff(session, user, workflow_id, first, second)


@router.get("/{workflow_id}/export", response_class=Response)
async def export(parts: ServicesDep, session: Session, user: CurrentUser, workflow_id: UUID, format: documents.Format = "json") -> Response:
    """The draft as a document without ids and secrets."""
    text = await documents.exported(parts, session, user, workflow_id, format)
    return Response(text, media_type="application/yaml" if format == "yaml" else "application/json")
