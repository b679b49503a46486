"""The public API as one signed-in person uses it: typed calls, and tokens renewed when they run out."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeVar
from uuid import UUID

from aiohttp import ClientResponse
from pydantic import BaseModel, TypeAdapter

from trestle.contracts.api_keys import ApiKey, ApiKeyMade
from trestle.contracts.audit import AuditEntry
from trestle.contracts.base import JsonObject, JsonValue, Page
from trestle.contracts.credentials import Credential, CredentialTested, CredentialType, CredentialUse
from trestle.contracts.executions import Execution, ExecutionSummary, Step
from trestle.contracts.imports import Converted, Imported
from trestle.contracts.jobs import LogLine
from trestle.contracts.node_types import NodeType
from trestle.contracts.overview import Stats, Webhook
from trestle.contracts.templates import Template
from trestle.contracts.users import Invitation, Project, ProjectWhole, RecoveryCodes, TotpEnrolment, TotpState, User
from trestle.contracts.variables import Variable
from trestle.contracts.workflows import Labels, Workflow, WorkflowSummary
from web.backend import ApiError, Backend, Params, ServerEvent
from web.session import Session
from web.signing_in import SignedOut, renew

RENEW_BEFORE_S = 30.0
"""An access token with less than this left is renewed before it is used."""

_LOOKS = 10
"""Calls at most to fill one page of a list in which what is wanted is rare."""

M = TypeVar("M", bound=BaseModel)


class Api:
    """Calls in the name of one session. Each raises `ApiError`, `Unreachable` or `SignedOut`.

    `address` is the browser's, for the backend's audit.
    """

    def __init__(self, backend: Backend, session: Session, address: str = "") -> None:
        self._backend = backend
        self._from = {"X-Forwarded-For": address} if address else {}
        self.session = session

    async def _token(self) -> str:
        if self.session.ended:
            raise SignedOut
        if self.session.remaining_s() < RENEW_BEFORE_S:
            await renew(self._backend, self.session, self.session.generation)
        return self.session.access_token

    async def call(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        text: str | None = None,
        params: Params | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """One request below `/api/v1`; the decoded JSON of its answer, or None where it has no body."""
        token = await self._token()
        headers = {**self._from, **(headers or {})}
        generation = self.session.generation
        try:
            return await self._backend.call(method, path, token=token, json=json, text=text, params=params, headers=headers)
        except ApiError as error:
            if error.status != 401:
                raise
        await renew(self._backend, self.session, generation)
        return await self._backend.call(method, path, token=self.session.access_token, json=json, text=text, params=params, headers=headers)

    @asynccontextmanager
    async def download(self, path: str) -> AsyncIterator[ClientResponse]:
        """An answer below `/api/v1` whose body is read as it comes."""
        async with self._backend.download(path, token=await self._token()) as answer:
            yield answer

    async def events(self, path: str, *, last_event_id: str = "") -> AsyncIterator[ServerEvent]:
        """A stream of server-sent events below `/api/v1`, until it ends."""
        async for event in self._backend.events(path, token=await self._token(), last_event_id=last_event_id):
            yield event

    async def workflows(
        self, *, search: str = "", tag: str = "", folder: str = "", limit: int = 100, cursor: str | None = None
    ) -> Page[WorkflowSummary]:
        """Workflows, newest first."""
        params: Params = {"search": search, "tag": tag, "folder": folder, "limit": limit, "cursor": cursor}
        return Page[WorkflowSummary].model_validate(await self.call("GET", "/workflows", params=params))

    async def labels(self) -> Labels:
        """The tags and folders in use."""
        return Labels.model_validate(await self.call("GET", "/workflows/labels"))

    async def templates(self) -> list[Template]:
        """Workflows to begin with."""
        return Page[Template].model_validate(await self.call("GET", "/templates")).items

    async def import_workflow(self, document: JsonObject | str, project_id: str = "") -> Imported:
        """A new workflow from a document, in this project or one's own; a text is JSON where it begins like it, else YAML."""
        where: Params = {"project_id": project_id}
        if not isinstance(document, str):
            return Imported.model_validate(await self.call("POST", "/workflows/import", json=document, params=where))
        return Imported.model_validate(await self._import(document, where))

    async def convert(self, document: str, project_id: str) -> Converted:
        """The graph that an import of this text would make. Nothing is stored."""
        return Converted.model_validate(await self._import(document, {"project_id": project_id, "dry_run": "true"}))

    async def _import(self, document: str, where: Params) -> Any:
        kind = "application/json" if document.lstrip()[:1] in ("{", "[") else "application/yaml"
        return await self.call("POST", "/workflows/import", text=document, headers={"Content-Type": kind}, params=where)

    async def keep_input(self, workflow_id: UUID | str, name: str, value: JsonValue) -> None:
        """Keep a test input under a name."""
        await self.call("POST", f"/workflows/{workflow_id}/inputs", json={"name": name, "input": value})

    async def duplicate_workflow(self, workflow_id: UUID | str) -> Workflow:
        """A copy of a workflow's draft. Its webhooks get addresses of their own."""
        whole = await self.workflow(workflow_id)
        body = whole.model_dump(mode="json", include={"description", "project_id", "settings", "tags", "folder"})
        nodes = [node.model_dump(mode="json", exclude={"id"}) for node in whole.nodes]
        for node in nodes:
            if node["type"] == "trigger.webhook":
                node["config"].pop("path", None)
        connections = [link.model_dump(mode="json", exclude={"id"}) for link in whole.connections]
        named = {**body, "name": f"{whole.name[:190]} (copy)", "nodes": nodes, "connections": connections}
        return Workflow.model_validate(await self.call("POST", "/workflows", json=named))

    async def run_workflow(self, workflow_id: UUID | str) -> str:
        """Run the draft once without input; the execution's id."""
        return str((await self.call("POST", f"/workflows/{workflow_id}/execute", json={}))["execution_id"])

    async def workflow(self, workflow_id: UUID | str) -> Workflow:
        """One workflow with its draft."""
        return Workflow.model_validate(await self.call("GET", f"/workflows/{workflow_id}"))

    async def create_workflow(self, name: str, project_id: str = "") -> Workflow:
        """An empty workflow, in this project or one's own."""
        body = {"name": name, **({"project_id": project_id} if project_id else {})}
        return Workflow.model_validate(await self.call("POST", "/workflows", json=body))

    async def change_workflow(self, workflow_id: UUID | str, change: JsonObject) -> Workflow:
        """Change some of `name, description, settings, tags, folder, enabled`."""
        return Workflow.model_validate(await self.call("PATCH", f"/workflows/{workflow_id}", json=change))

    async def delete_workflow(self, workflow_id: UUID | str) -> None:
        """Delete a workflow and its triggers."""
        await self.call("DELETE", f"/workflows/{workflow_id}")

    async def executions(
        self, *, workflow_id: str = "", status: str = "", trigger: str = "", since: str = "", limit: int = 50, cursor: str | None = None
    ) -> Page[ExecutionSummary]:
        """Executions of all workflows or of one, newest first. Looks on a while where what is wanted is rare: then pages come short."""
        narrowed = {"workflow_id": workflow_id, "status": status, "trigger": trigger, "since": since}
        found: list[ExecutionSummary] = []
        for _ in range(_LOOKS):
            params: Params = {**narrowed, "limit": limit - len(found), "cursor": cursor}
            page = Page[ExecutionSummary].model_validate(await self.call("GET", "/executions", params=params))
            found += page.items
            cursor = page.next_cursor
            if cursor is None or len(found) >= limit:
                break
        return Page(items=found, next_cursor=cursor)

    async def execution(self, execution_id: UUID | str) -> Execution:
        """One execution whole."""
        return Execution.model_validate(await self.call("GET", f"/executions/{execution_id}"))

    async def steps(
        self,
        execution_id: UUID | str,
        *,
        node: str = "",
        status: str = "",
        items: bool = True,
        values: bool = True,
        limit: int = 200,
        cursor: str | None = None,
    ) -> Page[Step]:
        """The steps of an execution, oldest first: of all nodes or of one, with or without single items and values."""
        narrowed = {"node": node, "status": status, "items": str(items).lower(), "values": str(values).lower()}
        params: Params = {**narrowed, "limit": limit, "cursor": cursor}
        return Page[Step].model_validate(await self.call("GET", f"/executions/{execution_id}/steps", params=params))

    async def step(self, execution_id: UUID | str, step_id: UUID | str) -> Step:
        """One attempt at a step, with its values."""
        return Step.model_validate(await self.call("GET", f"/executions/{execution_id}/steps/{step_id}"))

    async def log(
        self, execution_id: UUID | str, *, node: str, newest: bool = False, limit: int = 200, cursor: str | None = None
    ) -> Page[LogLine]:
        """What a node wrote to the log of an execution, oldest first or `newest` first."""
        params: Params = {"node": node, "newest": "true" if newest else None, "limit": limit, "cursor": cursor}
        return Page[LogLine].model_validate(await self.call("GET", f"/executions/{execution_id}/logs", params=params))

    async def delete_execution(self, execution_id: UUID | str) -> None:
        """Delete a finished execution."""
        await self.call("DELETE", f"/executions/{execution_id}")

    async def node_types(self) -> list[NodeType]:
        """The palette's catalogue."""
        return _listed(NodeType, await self.call("GET", "/node-types"))

    async def credential_types(self) -> list[CredentialType]:
        """The kinds of credentials, each with the JSON Schema of its fields."""
        return _listed(CredentialType, await self.call("GET", "/credential-types"))

    async def credentials(self) -> list[Credential]:
        """Every credential of the person's projects, without secrets."""
        return [Credential.model_validate(found) for found in await self._all("/credentials")]

    async def credential(self, credential_id: UUID | str) -> Credential:
        """One of them."""
        return Credential.model_validate(await self.call("GET", f"/credentials/{UUID(str(credential_id))}"))

    async def create_credential(self, body: JsonObject) -> Credential:
        """Keep a secret."""
        return Credential.model_validate(await self.call("POST", "/credentials", json=body))

    async def change_credential(self, credential_id: UUID | str, change: JsonObject) -> Credential:
        """Change some of `name, data, allowed_hosts`. A field left out of `data` keeps its value."""
        return Credential.model_validate(await self.call("PATCH", f"/credentials/{credential_id}", json=change))

    async def test_credential(self, credential_id: UUID | str) -> CredentialTested:
        """What the service says to one that is kept."""
        return CredentialTested.model_validate(await self.call("POST", f"/credentials/{credential_id}/test"))

    async def try_credential(self, body: JsonObject) -> CredentialTested:
        """The same before it is kept, or before its changes are."""
        return CredentialTested.model_validate(await self.call("POST", "/credentials/test", json=body))

    async def credential_usage(self, credential_id: UUID | str) -> list[CredentialUse]:
        """The nodes that name this credential."""
        return _listed(CredentialUse, await self.call("GET", f"/credentials/{credential_id}/usage"))

    async def delete_credential(self, credential_id: UUID | str, *, force: bool = False) -> None:
        """Delete a credential. One in use answers 409 unless `force`."""
        await self.call("DELETE", f"/credentials/{credential_id}", params={"force": "true"} if force else None)

    async def webhooks(self) -> list[Webhook]:
        """Every published webhook of the person's projects."""
        return [Webhook.model_validate(found) for found in await self._all("/webhooks")]

    async def stats(self, hours: int) -> Stats:
        """The numbers of the last hours."""
        return Stats.model_validate(await self.call("GET", "/stats", params={"hours": hours}))

    async def schedules(self) -> list[JsonObject]:
        """Every schedule of the person's projects, with its next times and its last result."""
        return await self._all("/schedules")

    async def notifications(self, *, limit: int = 50, cursor: str | None = None, unread: bool = False) -> JsonObject:
        """A page of what the person was told, newest first: `{items, next_cursor, unread}`; only what is not read, if asked."""
        params: Params = {"limit": limit, "cursor": cursor, "unread": "true" if unread else None}
        answer: JsonObject = await self.call("GET", "/notifications", params=params)
        return answer

    async def unread(self) -> int:
        """How many notifications the person has not read."""
        return int((await self.notifications(limit=1))["unread"])

    async def read_notifications(self, ids: list[str] | None) -> None:
        """Mark these as read; all of them where None."""
        await self.call("POST", "/notifications/read", json={"all": True} if ids is None else {"ids": ids})

    async def steer(self, execution_id: UUID | str, verb: str) -> JsonObject:
        """Cancel, pause, resume, retry or replay an execution. The last two answer `{execution_id}`."""
        answer = await self.call("POST", f"/executions/{execution_id}/{verb}", json={} if verb == "replay" else None)
        return answer if isinstance(answer, dict) else {}

    async def projects(self) -> list[Project]:
        """The person's projects, their own first, then by name."""
        found = [Project.model_validate(one) for one in await self._all("/projects")]
        return sorted(found, key=lambda project: (not project.personal, project.name.casefold()))

    async def project(self, project_id: UUID | str) -> ProjectWhole:
        """One project with its members."""
        return ProjectWhole.model_validate(await self.call("GET", f"/projects/{project_id}"))

    async def variables(self, project_id: UUID | str) -> list[Variable]:
        """A project's variables, by name."""
        found = [Variable.model_validate(one) for one in await self._all("/variables", project_id=str(project_id))]
        return sorted(found, key=lambda variable: variable.name.casefold())

    async def api_keys(self) -> list[ApiKey]:
        """The person's API keys, and those of the projects that they administer."""
        return [ApiKey.model_validate(one) for one in await self._all("/api-keys")]

    async def create_api_key(self, body: JsonObject) -> ApiKeyMade:
        """A new key, with what is shown this once."""
        return ApiKeyMade.model_validate(await self.call("POST", "/api-keys", json=body))

    async def users(self) -> list[User]:
        """Everybody, for owners and admins."""
        return [User.model_validate(one) for one in await self._all("/users")]

    async def user_of(self, email: str) -> User | None:
        """Who has this address."""
        found = _listed(User, await self.call("GET", "/users", params={"email": email}))
        return found[0] if found else None

    async def invite(self, email: str, role: str) -> Invitation:
        """A link for somebody to sign up with."""
        return Invitation.model_validate(await self.call("POST", "/users/invitations", json={"email": email, "role": role}))

    async def audit(self, *, user_id: str = "", action: str = "", cursor: str | None = None) -> Page[AuditEntry]:
        """What was done, newest first."""
        params: Params = {"user_id": user_id, "action": action, "limit": 50, "cursor": cursor}
        return Page[AuditEntry].model_validate(await self.call("GET", "/audit", params=params))

    async def _all(self, path: str, **params: str) -> list[JsonObject]:
        """Every item of a list."""
        found: list[JsonObject] = []
        cursor: str | None = None
        while True:
            answer = await self.call("GET", path, params={**params, "limit": 200, "cursor": cursor})
            found += answer["items"]
            cursor = answer.get("next_cursor")
            if cursor is None:
                return found

    async def change_me(self, change: JsonObject) -> User:
        """Change the person's own profile."""
        self.session.user = User.model_validate(await self.call("PATCH", "/users/me", json=change))
        self.session.sealed_generation = -1  # the cookie names the person too
        return self.session.user

    async def change_password(self, current: str, new: str) -> None:
        """Set a new password, proved by the current one. Every other session of the person ends."""
        body = {"current_password": current, "new_password": new, "refresh_token": self.session.refresh_token}
        await self.call("POST", "/users/me/password", json=body)

    async def end_other_sessions(self) -> None:
        """Sign the person out everywhere else."""
        await self.call("POST", "/users/me/sessions/end", json={"refresh_token": self.session.refresh_token})

    async def two_factor(self) -> TotpState:
        """Whether the person's two-factor sign-in is on."""
        return TotpState.model_validate(await self.call("GET", "/users/me/totp"))

    async def enrol_two_factor(self, password: str) -> TotpEnrolment:
        """A key for the authenticator app."""
        return TotpEnrolment.model_validate(await self.call("POST", "/users/me/totp", json={"current_password": password}))

    async def verify_two_factor(self, code: str) -> list[str]:
        """Switch it on; the recovery codes. Every other session of the person ends."""
        body = {"code": code, "refresh_token": self.session.refresh_token}
        return RecoveryCodes.model_validate(await self.call("POST", "/users/me/totp/verify", json=body)).recovery_codes

    async def renew_recovery_codes(self, password: str, code: str) -> list[str]:
        """New recovery codes; the old ones end."""
        body = {"current_password": password, "code": code}
        return RecoveryCodes.model_validate(await self.call("POST", "/users/me/totp/recovery-codes", json=body)).recovery_codes

    async def switch_two_factor_off(self, password: str, code: str) -> None:
        """The password alone from now on."""
        await self.call("DELETE", "/users/me/totp", json={"current_password": password, "code": code})


def _listed(model: type[M], answer: Any) -> list[M]:
    """The items of a list answer, which may be a bare list."""
    items = answer["items"] if isinstance(answer, dict) else answer
    return TypeAdapter(list[model]).validate_python(items)  # type: ignore[valid-type]  # a type made at run time
