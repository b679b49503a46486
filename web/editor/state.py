"""The editor's page: every handler is one API call; what is drawn and typed lives in the browser."""

import asyncio
from typing import Any
from uuid import UUID

import reflex as rx

from trestle.contracts.workflows import OperationsApplied
from web.access import signed_in
from web.api import Api
from web.backend import ApiError
from web.components.frame import frame
from web.editor.canvas import canvas
from web.editor.graph import draft_document, publication
from web.editor.watching import Watching, address_id, stamp
from web.services import services

RUNS_SHOWN = 30
NO_SUCH = "There is no such workflow, or it isn't yours."


def _credentials(found: list[Any]) -> list[dict[str, str]]:
    return [{"id": str(one.id), "name": one.name, "type": one.type} for one in found]


class Editor(Watching, rx.State):
    """One open draft."""

    document: dict[str, Any] = {}
    catalogue: list[dict[str, Any]] = []
    credentials: list[dict[str, Any]] = []
    saved: dict[str, Any] = {}
    runs: list[dict[str, Any]] = []
    meta: dict[str, Any] = {}
    notice: dict[str, Any] = {}
    missing: str = ""

    def _stream(self) -> str:
        return f"/workflows/{address_id(self)}/events"

    @rx.event
    async def load(self) -> None:
        """Fetch the draft, the palette and the credentials to choose from."""
        api = signed_in(self)
        self.missing, self._watch = "", 0
        try:
            workflow_id = address_id(self)
            workflow, types, credentials = await asyncio.gather(api.workflow(workflow_id), api.node_types(), api.credentials())
        except ValueError:
            self.missing = NO_SUCH
            return
        except ApiError as error:
            self.missing = NO_SUCH if error.status == 404 else str(error)
            return
        self.catalogue = [found.model_dump(mode="json") for found in types]
        self.credentials = _credentials(credentials)
        self.document = draft_document(workflow, load=stamp(), public_url=services().settings.public_url)

    @rx.event
    async def refresh(self) -> None:
        """The tab is looked at again: a credential may have been made in another one."""
        found = _credentials(await signed_in(self).credentials())
        if found != self.credentials:
            self.credentials = found

    @rx.event
    async def store(self, batch: dict[str, Any]) -> None:
        """Apply a batch of operations. What can't be stored for now is sent again by the browser; what is refused is fatal."""
        api = signed_in(self)
        path = f"/workflows/{UUID(batch['workflow_id'])}/operations"
        body = {"base_revision": batch["base_revision"], "operations": batch["operations"]}
        try:
            applied = OperationsApplied.model_validate(await api.call("POST", path, json=body))
        except ApiError as error:
            fatal = error.status < 500 and error.status not in (408, 425, 429)
            self.saved = {"batch": batch["batch"], "error": str(error), "fatal": fatal}
            return
        self.saved = {"batch": batch["batch"], **applied.model_dump(mode="json", exclude={"applied"})}

    @rx.event
    async def publish(self) -> None:
        """Freeze the draft as the next version; where it is refused, say where."""
        api = signed_in(self)
        workflow_id = address_id(self)
        await self._publication(api, workflow_id, lambda: api.call("POST", f"/workflows/{workflow_id}/publish", json={}), "Published.")

    @rx.event
    async def enable(self, on: bool) -> None:
        """Switch the triggers on or off. Publishes first where nothing is published."""
        api = signed_in(self)
        workflow_id = address_id(self)
        said = "Enabled: its triggers start it now." if on else "Switched off."
        await self._publication(api, workflow_id, lambda: api.change_workflow(workflow_id, {"enabled": on}), said)

    @rx.event
    async def rename(self, name: str) -> None:
        """Give the workflow another name."""
        api = signed_in(self)
        workflow_id = address_id(self)
        await self._publication(api, workflow_id, lambda: api.change_workflow(workflow_id, {"name": name[:200]}), "")

    async def _publication(self, api: Api, workflow_id: UUID, change: Any, said: str) -> None:
        refused: dict[str, Any] = {}
        try:
            await change()
        except ApiError as error:
            in_nodes = [problem.model_dump(mode="json") for problem in error.errors]
            refused = {"problems": in_nodes, "refused": True} if any(problem["node"] for problem in in_nodes) else {}
            text = error.problem.detail if refused else str(error)
            self.notice = {"seq": stamp(), "text": text, "kind": "error"}
        else:
            if said:
                self.notice = {"seq": stamp(), "text": said, "kind": "success"}
        self.meta = {"seq": stamp(), **publication(await api.workflow(workflow_id)), **refused}

    @rx.event
    async def run(self, given: dict[str, Any]) -> None:
        """Run the draft once, by hand."""
        api = signed_in(self)
        try:
            started = await api.call("POST", f"/workflows/{address_id(self)}/execute", json={"input": given.get("input")})
        except ApiError as error:
            in_nodes = [problem.model_dump(mode="json") for problem in error.errors if problem.node]
            if in_nodes:
                self.meta = {"seq": stamp(), "problems": in_nodes, "refused": True}
            text = error.problem.detail if in_nodes else str(error)
            self.notice = {"seq": stamp(), "text": text, "kind": "error"}
            return
        self._follow = str(started["execution_id"])

    @rx.event
    async def list_runs(self) -> None:
        """The recent executions of this workflow."""
        page = await signed_in(self).executions(workflow_id=str(address_id(self)), limit=RUNS_SHOWN)
        shown = {"id", "status", "version", "trigger", "created_at", "started_at", "finished_at"}
        self.runs = [run.model_dump(mode="json", include=shown) for run in page.items]


def page() -> rx.Component:
    """`/workflows/[workflow_id]`."""
    return frame(
        canvas(
            document=Editor.document,
            catalogue=Editor.catalogue,
            credentials=Editor.credentials,
            saved=Editor.saved,
            live=Editor.live,
            step=Editor.step,
            runs=Editor.runs,
            meta=Editor.meta,
            notice=Editor.notice,
            missing=Editor.missing,
            color_mode=rx.color_mode,
            on_operations=Editor.store,
            on_publish=Editor.publish,
            on_enable=Editor.enable,
            on_run=Editor.run,
            on_step=Editor.show_step,
            on_runs=Editor.list_runs,
            on_rename=Editor.rename,
            on_reload=Editor.load,
            on_refresh=Editor.refresh,
            on_watch=Editor.watch,
            on_leave=Editor.leave,
        ),
        current="Workflows",
        full=True,
    )
