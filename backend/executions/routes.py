"""`/executions`, and what workflows have to do with them."""

from datetime import datetime
from functools import partial
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Header, Query
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from backend import stream
from backend.db import encode_json
from backend.deps import CurrentUser, ServicesDep, Session, still_sees
from backend.executions import controlling, deleting, listing, reading, repeats, rerunning, starting, steps
from backend.executions.listing import Wanted
from backend.models import Execution, Workflow
from backend.ownership import find
from backend.paging import PagingDep
from backend.routing import router as new_router
from backend.workflows.presence import Presence
from trestle.contracts import executions as wire
from trestle.contracts.base import Page
from trestle.contracts.graph import Snapshot
from trestle.contracts.jobs import LogLine
from trestle.contracts.states import ExecutionStatus, StepStatus

router = new_router(tag="executions")

Status = Annotated[list[ExecutionStatus] | None, Query(description="May be given several times")]
StepStates = Annotated[list[StepStatus] | None, Query(description="May be given several times")]
Key = Annotated[str | None, Header(alias="Idempotency-Key", description="The same key again gets the first answer again")]
Here = Annotated[bool, Query(description="The caller has the draft open: others hear of that, and the caller of them")]
LastEventId = Annotated[str | None, Header(alias="Last-Event-ID")]


@router.post("/workflows/{workflow_id}/execute", status_code=202)
async def execute(
    parts: ServicesDep, session: Session, user: CurrentUser, workflow_id: UUID, body: wire.ExecuteRequest, idempotency_key: Key = None
) -> wire.Started:
    """Run the draft, or a version, with this input."""
    asked = repeats.request_hash(body.model_dump_json().encode())
    start = partial(starting.execute, parts, session, user, workflow_id, body)
    return wire.Started(execution_id=await repeats.once(session, f"execute:{user.id}:{workflow_id}", idempotency_key, asked, start))


@router.get("/workflows/{workflow_id}/executions")
async def of_workflow(
    session: Session, user: CurrentUser, paging: PagingDep, workflow_id: UUID, status: Status = None
) -> Page[wire.ExecutionSummary]:
    """A workflow's executions, newest first."""
    await find(session, user, Workflow, workflow_id)
    items, cursor = await listing.listed(session, user, paging, Wanted(workflow_id, status))
    return Page(items=items, next_cursor=cursor)


@router.get("/workflows/{workflow_id}/events")
async def events_of_workflow(
    parts: ServicesDep,
    session: Session,
    request: Request,
    user: CurrentUser,
    workflow_id: UUID,
    last_event_id: LastEventId = None,
    present: Here = False,
) -> StreamingResponse:
    """Server-sent events of all its executions: `execution` and `step`, from now on; of its draft: `draft`, and `present`."""
    await find(session, user, Workflow, workflow_id)
    presence = Presence(parts.redis, parts.doorbell, workflow_id, user.id, user.name or user.email) if present else None
    events = stream.of_workflow(parts.database.hot, parts.doorbell, workflow_id, last_event_id, presence)
    return stream.response(events, still_sees(parts, request, Workflow, workflow_id))


@router.get("/executions")
async def listed(
    session: Session,
    user: CurrentUser,
    paging: PagingDep,
    workflow_id: UUID | None = None,
    status: Status = None,
    trigger: Annotated[str | None, Query(description="Kind of the trigger: manual, webhook, …")] = None,
    since: Annotated[datetime | None, Query(description="Created at this time or later")] = None,
) -> Page[wire.ExecutionSummary]:
    """The executions in the caller's projects, newest first.

    What is rare among many may be far down: a page is then shorter than `limit`, or empty, and still has a `next_cursor` to go on
    from.
    """
    items, cursor = await listing.listed(session, user, paging, Wanted(workflow_id, status, trigger, since))
    return Page(items=items, next_cursor=cursor)


@router.get("/executions/{execution_id}")
async def read(session: Session, user: CurrentUser, execution_id: UUID) -> wire.Execution:
    """One execution whole."""
    return await reading.read(session, user, execution_id)


@router.get("/executions/{execution_id}/steps")
async def list_steps(
    parts: ServicesDep,
    session: Session,
    user: CurrentUser,
    paging: PagingDep,
    execution_id: UUID,
    node: str | None = None,
    item: Annotated[int | None, Query(ge=0, description="Of this item of a for-each")] = None,
    status: StepStates = None,
    items: Annotated[bool, Query(description="false: without the steps of single items of a for-each")] = True,
    values: Annotated[bool, Query(description="false: without inputs and outputs")] = True,
) -> Page[wire.Step]:
    """Its steps, each attempt, oldest first."""
    wanted = steps.Narrowed(node, item, status, items, values)
    found, cursor = await steps.listed(parts.settings, session, user, execution_id, paging, wanted)
    return Page(items=found, next_cursor=cursor)


@router.get("/executions/{execution_id}/steps/{step_id}")
async def read_step(parts: ServicesDep, session: Session, user: CurrentUser, execution_id: UUID, step_id: UUID) -> wire.Step:
    """One attempt at a step, with its values."""
    return await steps.one(parts.settings, session, user, execution_id, step_id)


@router.get("/executions/{execution_id}/steps/{step_id}/{part}", response_class=Response)
async def download_value(
    parts: ServicesDep, session: Session, user: CurrentUser, execution_id: UUID, step_id: UUID, part: Literal["input", "output"]
) -> Response:
    """What went into it or came out, as a JSON file. Values over 256 KB in it are null; they are downloads of their own."""
    step = await steps.one(parts.settings, session, user, execution_id, step_id)
    headers = {"Content-Disposition": f'attachment; filename="{step.node}-{part}.json"'}
    return Response(encode_json(getattr(step, part)), media_type="application/json", headers=headers)


@router.get("/executions/{execution_id}/graph")
async def graph(session: Session, user: CurrentUser, execution_id: UUID) -> Snapshot:
    """The graph that it ran."""
    return await reading.graph_of(session, user, execution_id)


@router.get("/executions/{execution_id}/logs")
async def logs(
    session: Session,
    user: CurrentUser,
    paging: PagingDep,
    execution_id: UUID,
    node: str | None = None,
    level: wire.LogLevel | None = None,
    newest: Annotated[bool, Query(description="true: newest first")] = False,
) -> Page[LogLine]:
    """What its nodes wrote, oldest first."""
    items, cursor = await reading.log_of(session, user, execution_id, paging, node=node, level=level, newest=newest)
    return Page(items=items, next_cursor=cursor)


@router.get("/executions/{execution_id}/events")
async def events(
    parts: ServicesDep, session: Session, request: Request, user: CurrentUser, execution_id: UUID, last_event_id: LastEventId = None
) -> StreamingResponse:
    """Server-sent events: `execution`, `step` and `log`. Ends when the execution has; `Last-Event-ID` resumes."""
    await find(session, user, Execution, execution_id)
    events = stream.of_execution(parts.database.hot, parts.doorbell, execution_id, last_event_id)
    return stream.response(events, still_sees(parts, request, Execution, execution_id))


@router.delete("/executions/{execution_id}", status_code=204)
async def remove(session: Session, user: CurrentUser, execution_id: UUID) -> None:
    """Delete a finished one, with its steps, its log and its large values."""
    await deleting.delete(session, user, execution_id)


@router.post("/executions/delete")
async def delete_many(parts: ServicesDep, session: Session, user: CurrentUser, body: wire.DeleteExecutions) -> wire.Deleted:
    """Delete the finished ones that a filter finds. What is under way stays."""
    return await deleting.delete_many(parts, session, user, body.filter)


@router.post("/executions/{execution_id}/cancel", status_code=202)
async def cancel(parts: ServicesDep, session: Session, user: CurrentUser, execution_id: UUID) -> wire.Execution:
    """End it now, whatever it is doing. It is cancelled as soon as this answers."""
    await controlling.cancel(parts, session, user, execution_id)
    return await reading.read(session, user, execution_id)


@router.post("/executions/{execution_id}/pause", status_code=202)
async def pause(parts: ServicesDep, session: Session, user: CurrentUser, execution_id: UUID) -> wire.Execution:
    """Let its running steps finish, and start no other: neither here nor in the executions whose end a step waits for."""
    await controlling.pause(parts, session, user, execution_id)
    return await reading.read(session, user, execution_id)


@router.post("/executions/{execution_id}/resume", status_code=202)
async def resume(parts: ServicesDep, session: Session, user: CurrentUser, execution_id: UUID) -> wire.Execution:
    """Let a paused one go on, and the executions that were paused with it."""
    await controlling.resume(parts, session, user, execution_id)
    return await reading.read(session, user, execution_id)


@router.post("/executions/{execution_id}/retry", status_code=202)
async def retry(parts: ServicesDep, session: Session, user: CurrentUser, execution_id: UUID, idempotency_key: Key = None) -> wire.Started:
    """A failed one again from where it failed: what it finished is kept."""
    start = partial(rerunning.retry, parts, session, user, execution_id)
    return wire.Started(execution_id=await repeats.once(session, f"retry:{user.id}:{execution_id}", idempotency_key, b"", start))


@router.post("/executions/{execution_id}/replay", status_code=202)
async def replay(
    parts: ServicesDep,
    session: Session,
    user: CurrentUser,
    execution_id: UUID,
    body: wire.ReplayRequest | None = None,
    idempotency_key: Key = None,
) -> wire.Started:
    """A new one with the same input, of the same graph or of another version."""
    version = body.version if body else None
    asked = repeats.request_hash(str(version).encode())
    start = partial(rerunning.replay, parts, session, user, execution_id, version)
    return wire.Started(execution_id=await repeats.once(session, f"replay:{user.id}:{execution_id}", idempotency_key, asked, start))
