"""Trying a credential out: node code does it, so an executor is asked, by a job of kind `check` (PROTOCOL, jobs)."""

import asyncio
import hashlib
import time
from uuid import UUID

import orjson
import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from backend.audit.service import record
from backend.catalogue.service import LIVE_WITHIN_S
from backend.credentials.oauth2.client import Client
from backend.credentials.oauth2.tokens import Place
from backend.credentials.service import reveal, reveal_tried, tried
from backend.db import encode_json
from backend.errors import Unavailable
from backend.executions.doorbell import Change
from backend.executions.guards import guarded
from backend.models import Credential, User
from backend.ownership import find
from backend.services import Services
from trestle.contracts.audit import Action
from trestle.contracts.credentials import OAUTH2, CredentialTested, CredentialTrial
from trestle.contracts.graph import WorkflowSettings
from trestle.contracts.jobs import CheckTask, Verdict
from trestle.contracts.states import ExecutionStatus
from trestle.contracts.users import ProjectRole

PATIENCE_S = 15.0
_LOOK_ANYWAY_S = 0.5

# A check runs no graph, but every execution points at one.
_GRAPH = encode_json({"nodes": [], "connections": [], "settings": WorkflowSettings().model_dump(mode="json")})
_SNAPSHOT_ID = hashlib.sha256(_GRAPH.encode()).hexdigest()
_SNAPSHOT = "insert into snapshots (id, graph) values ($1, $2) on conflict do nothing"

_TESTERS = """
select count(*) as alive, count(*) filter (where $2 = any(credential_types)) as able
from executors where stopped_at is null and lane = 'main' and seen_at > now() - make_interval(secs => $1)
"""
_ASK = """
insert into executions (project_id, snapshot_id, kind, task, trigger, input, seed, event_seq)
values ($1, $2, 'check', $3, '{"kind": "check"}', 'null', uuid_send(gen_random_uuid()), 1) returning id
"""
_ENDED = "select status, output, error from executions where id = $1 and finished_at is not null"
_GIVE_UP = guarded("""
update executions e set status = {to cancel}, finished_at = now(), lease_until = null, running_since = null, event_seq = e.event_seq + 1
where e.id = $1 and {e may cancel} returning e.id
""")
_FORGET = "delete from executions where id = $1 and kind = 'check' and finished_at is not null"

log = structlog.get_logger(__name__)


async def test(parts: Services, session: AsyncSession, user: User, ident: UUID) -> CredentialTested:
    """What the service said to a call with this credential, within 15 s.

    Raises NotFound, Forbidden (an editor's right), Unavailable where no executor runs.
    """
    credential = await find(session, user, Credential, ident, needs=ProjectRole.EDITOR)
    task = CheckTask(credential_id=ident, credential_type=credential.type)
    project_id = credential.project_id
    record(session, Action.CREDENTIAL_TESTED, ident, credential.name, project_id)
    client = await reveal(session, parts.vault, project_id, ident) if credential.type == OAUTH2 else None
    await session.commit()  # nothing of it is needed while this waits
    if client is not None:  # no node's code is needed: what renews it can tell
        return await parts.lender.check(Place(project_id, ident), Client.model_validate(client.data))
    return await _asked(parts, project_id, task)


async def trial(parts: Services, session: AsyncSession, user: User, body: CredentialTrial) -> CredentialTested:
    """The same with a credential that is not kept, or not as it is in `body`. Raises Unprocessable as well."""
    project_id, task = await tried(session, parts.vault, user, body)
    await session.commit()
    if task.credential_type == OAUTH2:
        return await parts.lender.trial(Client.model_validate(reveal_tried(parts.vault, project_id, task).data))
    return await _asked(parts, project_id, task)


async def _asked(parts: Services, project_id: UUID, task: CheckTask) -> CredentialTested:
    pool, kind = parts.database.hot, task.credential_type
    testers = await pool.fetchrow(_TESTERS, float(LIVE_WITHIN_S), kind)
    if testers is None or not testers["alive"]:
        raise Unavailable("No executor is running, and it takes one to call the service. Start one, then test again.")
    if not testers["able"]:
        return CredentialTested(ok=None, message=f"A credential of the type {kind} has no test: it is tried when a node uses it.")
    await pool.execute(_SNAPSHOT, _SNAPSHOT_ID, _GRAPH)
    execution_id: UUID = await pool.fetchval(_ASK, project_id, _SNAPSHOT_ID, task.model_dump_json(exclude_none=True))
    parts.queue.push([execution_id], first=True)
    try:
        return await _outcome(parts, execution_id)
    finally:
        await asyncio.shield(_clear(parts, execution_id))


async def _outcome(parts: Services, execution_id: UUID) -> CredentialTested:
    until = time.monotonic() + PATIENCE_S
    with parts.doorbell.listen(execution_id) as bell:
        while not parts.doorbell.closing and (left_s := until - time.monotonic()) > 0:
            row = await parts.database.hot.fetchrow(_ENDED, execution_id)
            if row is not None and row["status"] == ExecutionStatus.SUCCEEDED:
                return CredentialTested.model_validate(orjson.loads(row["output"]))
            if row is not None:
                error = orjson.loads(row["error"] or "{}")
                return CredentialTested(
                    ok=False, message=error.get("message") or f"The test ended without a result: it is {row['status']}."
                )
            await bell.wait(min(left_s, _LOOK_ANYWAY_S))
    return CredentialTested(ok=False, message=f"There was no result within {PATIENCE_S:g} s: the executors are busy, or the service hangs.")


async def _clear(parts: Services, execution_id: UUID) -> None:
    """Nobody waits for it any more: it is stopped where it still runs, and gone where it has ended."""
    if await parts.database.hot.fetchval(_GIVE_UP, execution_id):
        parts.queue.tell(execution_id, Verdict.CANCEL)
        parts.doorbell.ring([Change(execution_id, None, 2)])
    await parts.database.hot.execute(_FORGET, execution_id)
