"""Once more: a failed execution from where it failed, or any from the start with the same input."""

import secrets
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from backend.audit.service import record
from backend.db import readable
from backend.errors import Conflict, NotFound
from backend.executions import trigger_failures
from backend.executions.starting import announce, insert_one
from backend.models import Execution, User, Version
from backend.ownership import find
from backend.services import Services
from trestle.contracts.audit import Action
from trestle.contracts.base import JsonObject
from trestle.contracts.states import ExecutionStatus
from trestle.contracts.users import ProjectRole

_RETRIED = (ExecutionStatus.FAILED, ExecutionStatus.CANCELLED, ExecutionStatus.QUARANTINED)

# What is finished (also by a failure that was continued or branched) stays as it is.
_KEEP_FINISHED = text("""
insert into steps (execution_id, epoch, event_seq, node, type, item, attempt, status, port, output, refs, error, wait, started_at,
    finished_at, duration_ms)
select :execution, 0, 1, node, type, item, attempt, status, port, output, refs, error, wait, started_at, finished_at,
    duration_ms
from steps where execution_id = :before and (status in ('succeeded', 'skipped') or status = 'failed' and port is not null) order by id
""")

# Where it failed it is tried anew, under the next retry number: a service that honours idempotency keys shall not repeat the
# answer it refused with. After a timeout nobody knows whether it was done, and the key must stay. A for-each that was stopped
# half-way goes on over the list that it had: its finished items are kept by their places.
_TRY_AGAIN = text(
    """
insert into steps (execution_id, epoch, event_seq, node, type, item, attempt, status, items, refs, wait)
select :execution, 0, 1, node, type, item, 1, 'pending', items, case when items is not null then refs end,
    json_build_object('retry_no', coalesce(({wait}->>'retry_no')::int, attempt - 1)
        + case when status <> 'failed' or {error}->>'type' in ('Timeout', 'OutcomeUnknown', 'ProcessDied') then 0 else 1 end)
from (
    select distinct on (node, item) node, type, item, attempt, status, port, error, wait, items, refs from steps
    where execution_id = :before order by node, item, attempt desc
) last
where port is null and (status = 'failed' or items is not null and status in ('running', 'waiting', 'cancelled'))
""".replace("{wait}", readable("wait")).replace("{error}", readable("error"))
)

# Somebody decided already: they are not asked again. Children answer for themselves, when the step asks for them (children.start).
_KEEP_ANSWERS = text("""
insert into resolutions (execution_id, node, item, kind, answer, refs)
select :execution, r.node, r.item, r.kind, r.answer, r.refs from resolutions r
where r.execution_id = :before and r.kind <> 'child'
""")

_COUNT = text("""
update executions set bytes = (select coalesce(sum(octet_length(output::text)), 0) from steps where execution_id = :execution)
where id = :execution
""")

_USE_TOO = text("""
insert into blob_uses (blob_id, execution_id) select blob_id, :execution from blob_uses where execution_id = :before on conflict do nothing
""")


async def retry(parts: Services, session: AsyncSession, user: User, ident: UUID) -> UUID:
    """The id of a new execution of the same graph that keeps what the old one finished, its input and its seed.

    It is nobody's child: a step that called the old one has had its answer. Raises Conflict where the old one has not failed.
    """
    old = await find(session, user, Execution, ident, needs=ProjectRole.OPERATOR)
    workflow_id = _workflow(old)
    if old.status not in _RETRIED:
        raise Conflict(f"This execution is {old.status}. Only one that failed or was cancelled can be retried; any can be replayed.")
    await parts.acceptor.backlog.admit()
    execution_id = await insert_one(
        session,
        project_id=old.project_id,
        workflow_id=workflow_id,
        snapshot_id=old.snapshot_id,
        version=old.version,
        trigger=old.trigger,
        input=old.input,
        input_refs=old.input_refs,
        until_node=old.until_node,
        only_node=old.only_node,
        seed=old.seed,
        attempt=old.attempt + 1,
        retry_of=old.id,
    )
    await session.execute(_KEEP_FINISHED, {"execution": execution_id, "before": old.id})
    for copy in (_TRY_AGAIN, _KEEP_ANSWERS, _USE_TOO):
        await session.execute(copy, {"execution": execution_id, "before": old.id})
    await session.execute(_COUNT, {"execution": execution_id})
    announce(parts, session, execution_id, old.workflow_id)
    record(session, Action.EXECUTION_RETRIED, old.id, "", old.project_id, _told(old, execution_id))
    return execution_id


async def replay(parts: Services, session: AsyncSession, user: User, ident: UUID, version: int | None) -> UUID:
    """The id of a new execution with the same trigger and input, of the same graph or of another version of the workflow.

    Raises NotFound where there is no such version.
    """
    old = await find(session, user, Execution, ident, needs=ProjectRole.OPERATOR)
    snapshot_id: str | None = old.snapshot_id
    if version is not None:
        query = select(Version.snapshot_id).where(Version.workflow_id == old.workflow_id, Version.number == version)
        snapshot_id = await session.scalar(query)
        if snapshot_id is None:
            raise NotFound(f"The workflow has no version {version}. GET /workflows/{old.workflow_id}/versions lists those it has.")
    await parts.acceptor.backlog.admit()
    execution_id = await insert_one(
        session,
        project_id=old.project_id,
        workflow_id=_workflow(old),
        snapshot_id=snapshot_id,
        version=version if version is not None else old.version,
        trigger=old.trigger,
        input=old.input,
        input_refs=old.input_refs,
        seed=secrets.token_bytes(16),
        replay_of=old.id,
    )
    await session.execute(_USE_TOO, {"execution": execution_id, "before": old.id})
    announce(parts, session, execution_id, old.workflow_id)
    record(session, Action.EXECUTION_REPLAYED, old.id, "", old.project_id, _told(old, execution_id))
    return execution_id


def _told(old: Execution, execution_id: UUID) -> JsonObject:
    return {"workflow_id": str(old.workflow_id), "execution_id": str(execution_id)}


def _workflow(old: Execution) -> UUID:
    if old.kind != "run":
        raise Conflict(f"This was a {old.kind}, no run of the workflow: the next one comes by itself.")
    if old.error is not None and old.error["type"] == trigger_failures.TYPE and old.input is None and not old.input_refs:
        raise Conflict("Its trigger failed before there was anything to run with. Mend the trigger, and wait until it fires.")
    if old.workflow_id is None:
        raise Conflict("The workflow of this execution is deleted: there is nothing left to run.")
    return old.workflow_id
