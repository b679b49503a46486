"""`ANY /webhooks-test/{path}`: one real call for a draft, while somebody listens for it. The call ends the listening.

A call that is turned away (a wrong method, signature or body) does not: whoever listens waits for the next.
"""

import json
from uuid import UUID

import orjson
from sqlalchemy import delete, func, insert
from starlette.types import Receive, Scope, Send

from backend.blobs.service import Blobs
from backend.db import Database, readable
from backend.errors import Error, NotFound, answer
from backend.executions.accept import Acceptor
from backend.models import BlobUse, Execution, Listener, Workflow
from backend.triggers.answers import Answers
from backend.triggers.authentication import Gate
from backend.triggers.calls import Bucket
from backend.triggers.directory import Webhook, webhook
from backend.triggers.payload import circumstances
from backend.triggers.replies import Reply
from backend.triggers.webhooks import read, stored, whole, wrong_method
from backend.workflows import drafts, snapshots
from trestle.contracts.base import EncodedJson, JsonObject
from trestle.contracts.graph import WorkflowSettings

PREFIX = "/webhooks-test/"

_LISTENING = f"""
select l.workflow_id, w.project_id, n.key, n.config
from listeners l join workflows w on w.id = l.workflow_id join nodes n on n.workflow_id = w.id
where l.expires_at > now() and n.type = 'trigger.webhook' and {readable("n.config")} ->> 'path' = $1
    and coalesce({readable("n.policies")} ->> 'disabled', 'false') = 'false'
order by l.created_at
"""  # noqa: S608  # only names of columns go in

_SECONDLY = 20.0


def methods_of(config: JsonObject) -> list[str]:
    """The methods that a webhook node of a draft answers to."""
    methods = config.get("methods")
    return [str(method) for method in methods] if isinstance(methods, list) and methods else ["POST"]


class Trials:
    """Takes test calls: the draft runs once with the real request, checked and answered as it would be when published."""

    def __init__(self, database: Database, acceptor: Acceptor, gate: Gate, answers: Answers, blobs: Blobs, *, max_body: int) -> None:
        self._database = database
        self._acceptor = acceptor
        self._gate = gate
        self._answers = answers
        self._blobs = blobs
        self._max_body = max_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one call (ASGI)."""
        try:
            reply = await self._handle(scope, receive)
        except Error as error:
            await answer(error)(scope, receive, send)
            return
        await reply.send(send)

    async def _handle(self, scope: Scope, receive: Receive) -> Reply:
        path, method, headers = scope["path"][len(PREFIX) :], scope["method"], scope["headers"]
        body = await whole(receive)
        hook = await self._listener(path, method)
        hidden = await self._gate.check(hook, headers, body)
        content = await read(headers, body, self._max_body)
        with self._answers.place(hook):
            await self._acceptor.backlog.admit(webhook=True)
            value, refs = await stored(self._blobs, hook.project_id, content)
            trigger = circumstances(hook.node, method, path, scope["query_string"], headers, hidden=hidden, test=True)
            execution_id = await self._start(hook, path, trigger, value, orjson.loads(refs) if refs else None)
            self._acceptor.announce([(execution_id, hook.workflow_id)])
            return await self._answers.reply(hook, execution_id, receive)

    async def _listener(self, path: str, method: str) -> Webhook:
        rows = await self._database.hot.fetch(_LISTENING, path) if "\0" not in path else []
        if not rows:
            raise _nobody_listens(path)
        taken: set[str] = set()
        for row in rows:
            methods = methods_of(orjson.loads(row["config"]))
            if method in methods:
                return webhook(row["workflow_id"], row["workflow_id"], row["project_id"], row["key"], row["config"], Bucket(_SECONDLY))
            taken.update(methods)
        raise wrong_method(method, taken)

    async def _start(self, hook: Webhook, path: str, trigger: EncodedJson, value: EncodedJson, refs: JsonObject | None) -> UUID:
        async with self._database.session() as session:
            # Of two calls at the same time one takes the listening away from the other.
            mine = delete(Listener).where(Listener.workflow_id == hook.workflow_id, Listener.expires_at > func.now())
            if (await session.scalars(mine.returning(Listener.workflow_id))).one_or_none() is None:
                raise _nobody_listens(path)
            workflow = await session.get_one(Workflow, hook.workflow_id)
            draft = await drafts.load(session, workflow.id)
            settings = WorkflowSettings.model_validate(workflow.settings)
            making = insert(Execution).values(
                project_id=workflow.project_id,
                workflow_id=workflow.id,
                snapshot_id=await snapshots.ensure(session, draft.nodes.values(), draft.connections.values(), settings),
                trigger=json.loads(trigger),
                input=json.loads(value),
                input_refs=refs,
                seed=func.uuid_send(func.gen_random_uuid()),
                event_seq=1,
            )
            execution_id: UUID = (await session.scalars(making.returning(Execution.id))).one()
            if refs:
                used = [{"blob_id": UUID(ref["id"]), "execution_id": execution_id} for ref in refs.values()]
                await session.execute(insert(BlobUse), used)
        return execution_id


def _nobody_listens(path: str) -> NotFound:
    return NotFound(
        f"Nobody listens for a test event on /webhooks-test/{path}. Choose “Listen for a test event” in the editor (or POST …/listen): "
        "it lasts for one call, or 10 minutes."
    )
