"""Executions that people start: of a workflow's draft, or of one of its versions."""

import secrets
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from backend.catalogue.service import NodeTypes
from backend.db import after_commit, encode_json
from backend.errors import NotFound, Unprocessable
from backend.models import BlobUse, Execution, Snapshot, User, Version, Workflow
from backend.ownership import find
from backend.services import Services
from backend.workflows import drafts, snapshots
from trestle.contracts.executions import ExecuteRequest
from trestle.contracts.graph import NOTE, Connection, Node, WorkflowSettings
from trestle.contracts.problems import FieldError
from trestle.contracts.users import ProjectRole

MANUAL = "trigger.manual"

# What the predecessors of the one node that is to run put out in the workflow's newest execution that reached them all the way.
_LAST_OUTPUTS = text("""
with copied as (
insert into steps (execution_id, epoch, event_seq, node, type, attempt, status, port, output, refs, started_at, finished_at, duration_ms)
select :execution, 0, 1, s.node, s.type, s.attempt, s.status, s.port, s.output, s.refs, s.started_at, s.finished_at, s.duration_ms
from (
    select distinct on (s.node) s.node, s.type, s.attempt, s.status, s.port, s.started_at, s.finished_at, s.duration_ms,
        case when s.output is null and s.type like 'trigger.%' then e.input else s.output end as output,
        case when s.output is null and s.type like 'trigger.%' then e.input_refs else s.refs end as refs
    from (select id, input, input_refs from executions where workflow_id = :workflow and kind = 'run' order by id desc limit 20) e
    join steps s on s.execution_id = e.id
    where s.node = any(:nodes) and s.item is null and s.status = 'succeeded'
    order by s.node, e.id desc, s.attempt desc
) s returning execution_id, refs
)
insert into blob_uses (blob_id, execution_id)
select distinct (r.value ->> 'id')::uuid, c.execution_id from copied c cross join json_each(c.refs) r on conflict do nothing
""")


async def execute(parts: Services, session: AsyncSession, user: User, workflow_id: UUID, body: ExecuteRequest) -> UUID:
    """The id of a new execution. It is pushed once the transaction is committed.

    Raises:
        Unprocessable: there is no trigger to start at, or `until` or `only` name no node.
        NotFound: no such version.
        TooManyRequests: too many executions are queued.
    """
    workflow = await find(session, user, Workflow, workflow_id, needs=ProjectRole.OPERATOR)
    await parts.acceptor.backlog.admit()
    nodes, connections, snapshot_id = await _graph(session, workflow, body.version)
    for name in ("until", "only"):
        key = getattr(body, name)
        if key is not None and all(node.key != key or node.type == NOTE for node in nodes):
            message = f"There is no node with the key “{key}”. Name one that the graph has."
            raise Unprocessable(message, errors=[FieldError(loc=[name], message=message)])
    start = _start(nodes, await parts.catalogue.current(session))
    if start is None and body.only is None:
        message = "The workflow has no trigger to start at. Add one: Manual is made for starting by hand."
        raise Unprocessable(message, errors=[FieldError(loc=["nodes"], message=message)])
    _, refs = await parts.blobs.spill(workflow.project_id, encode_json(body.input))
    execution_id = await insert_one(
        session,
        project_id=workflow.project_id,
        workflow_id=workflow.id,
        snapshot_id=snapshot_id,
        version=body.version,
        trigger={"kind": "manual", "node": start.key if start else None, "user_id": str(user.id), "received_at": _now()},
        input=None if refs else body.input,
        input_refs={pointer: ref.model_dump(mode="json") for pointer, ref in refs.items()} or None,
        until_node=body.until,
        only_node=body.only,
        seed=secrets.token_bytes(16),
    )
    for ref in refs.values():
        await session.execute(insert(BlobUse).values(blob_id=ref.id, execution_id=execution_id))
    if body.only is not None and body.input is None:
        sources = [c.source for c in connections if c.target == body.only]
        await session.execute(_LAST_OUTPUTS, {"execution": execution_id, "workflow": workflow.id, "nodes": sources})
    announce(parts, session, execution_id, workflow.id)
    return execution_id


async def insert_one(session: AsyncSession, **values: Any) -> UUID:
    """A new, queued row."""
    execution_id: UUID = (await session.scalars(insert(Execution).values(event_seq=1, **values).returning(Execution.id))).one()
    return execution_id


def announce(parts: Services, session: AsyncSession, execution_id: UUID, workflow_id: UUID | None) -> None:
    """Push and ring once the transaction is committed."""

    async def push() -> None:
        parts.acceptor.announce([(execution_id, workflow_id)])

    after_commit(session, push)


async def _graph(session: AsyncSession, workflow: Workflow, version: int | None) -> tuple[Sequence[Node], Sequence[Connection], str]:
    """Nodes, connections and snapshot of the draft or of a version."""
    if version is None:
        draft = await drafts.load(session, workflow.id)
        nodes, connections = list(draft.nodes.values()), list(draft.connections.values())
        return nodes, connections, await snapshots.ensure(session, nodes, connections, WorkflowSettings.model_validate(workflow.settings))
    query = select(Snapshot).join(Version, Version.snapshot_id == Snapshot.id)
    snapshot = await session.scalar(query.where(Version.workflow_id == workflow.id, Version.number == version))
    if snapshot is None:
        raise NotFound(f"This workflow has no version {version}. GET …/versions lists those it has.")
    graph = snapshot.graph
    return [Node.model_validate(n) for n in graph["nodes"]], [Connection.model_validate(c) for c in graph["connections"]], snapshot.id


def _start(nodes: Iterable[Node], types: NodeTypes) -> Node | None:
    """The trigger at which a run by hand starts: a manual one, or else the first there is."""
    triggers = [node for node in nodes if not node.disabled and _is_trigger(node, types)]
    return next((node for node in triggers if node.type == MANUAL), triggers[0] if triggers else None)


def _is_trigger(node: Node, types: NodeTypes) -> bool:
    kind = types.get(node.type)
    return kind.is_trigger if kind is not None else node.type.startswith("trigger.")


def _now() -> str:
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")
