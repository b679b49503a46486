"""The editor's page: every handler is one API call; what is drawn and typed lives in the browser."""

import asyncio
from collections.abc import Awaitable
from dataclasses import asdict
from typing import Any
from uuid import UUID

import reflex as rx

from trestle.contracts.workflows import SETTINGS_PATH, DraftEvent, OperationsApplied, Present
from web import exact
from web.access import signed_in
from web.api import Api
from web.backend import ApiError
from web.components.frame import frame
from web.editor.at_hand import AtHand, newest_run
from web.editor.canvas import canvas
from web.editor.comparing import pins
from web.editor.graph import changed_since, draft_document, drawn, publication, standing, triggers
from web.editor.live import Window, heard, tellable
from web.editor.watching import Watching, address_id, all_steps, all_workflows, id_in, stamp
from web.projects import of_project
from web.remarks import remarks
from web.services import services

RUNS_SHOWN = 30
CLOCKS_MS = 2000
"""The clocks of this process and of the database may differ by so much. What is told twice is known by its revision."""
SENT_KEPT = 2000
NO_SUCH = "There is no such workflow, or it isn't yours."


def _credentials(found: list[Any], project_id: str) -> list[dict[str, str]]:
    """Those that a workflow of this project may use."""
    return [{"id": str(one.id), "name": one.name, "type": one.type} for one in found if str(one.project_id) == project_id]


def _refused(error: ApiError) -> dict[str, Any]:
    """What the page says of a refusal: `problems` of nodes are listed and marked there, another error is told whole."""
    problems = [problem.model_dump(mode="json") for problem in error.errors]
    if any(problem["node"] for problem in problems):
        what = "one thing is" if len(problems) == 1 else f"{len(problems)} things are"
        return {"problems": problems, "refused": True, "said": f"Not yet: {what} to be mended first.", "kind": "error"}
    return {"said": str(error), "kind": "error"}


class Editor(Watching, AtHand, rx.State):
    """One open draft."""

    catalogue: list[dict[str, Any]] = []
    credentials: list[dict[str, Any]] = []
    saved: str = ""
    runs: dict[str, Any] = {}
    workflows: list[dict[str, Any]] = []
    ran: str = ""
    versions: dict[str, Any] = {}
    version: str = ""
    standing: dict[str, Any] = {}
    remote: str = ""
    people: list[dict[str, Any]] = []
    pins: str = ""
    converted: str = ""
    times: dict[str, Any] = {}
    missing: str = ""
    _sent: list[str] = []  # ids of this page's own operations: the stream tells of those too
    _revision: int = 0  # of the last change in the stream that was handed on, or of the draft as it was loaded
    _loaded_at: int = 0
    _workflow_id: str = ""

    def _stream(self) -> str:
        return f"/workflows/{address_id(self)}/events?present=true"

    async def _first(self, api: Api, path: str) -> str:
        return await newest_run(api, id_in(path))

    def _since(self) -> str:
        return str(self._loaded_at - CLOCKS_MS) if self._loaded_at else ""

    @rx.event
    async def load(self) -> None:
        """Fetch the draft, the palette and the credentials to choose from."""
        await self._load()

    @rx.event
    async def load_again(self, own: bool) -> None:
        """Fetch the draft as it is since it was changed elsewhere: by the same person (`own`), or by somebody else."""
        await self._load({"own": own})

    async def _load(self, elsewhere: dict[str, bool] | None = None) -> None:
        api = signed_in(self)
        self.missing, self._watch, self._loaded_at = "", 0, stamp()
        self.live, self.step, self.log, self.meta, self.standing = {}, {}, {}, {}, {}
        self.people = []
        self.saved = self.remote = self.values = self.page = self.pins = self.converted = self.version = self.ran = ""
        try:
            workflow_id = address_id(self)
            workflow, types, credentials, workflows, projects = await asyncio.gather(
                api.workflow(workflow_id), api.node_types(), api.credentials(), all_workflows(api), api.projects()
            )
        except ValueError:
            self.missing = NO_SUCH
            return
        except ApiError as error:
            self.missing = NO_SUCH if error.status == 404 else str(error)
            return
        self._revision, self._workflow_id, self._project_id = workflow.revision, str(workflow.id), str(workflow.project_id)
        self.catalogue = [found.model_dump(mode="json") for found in types]
        self.credentials = _credentials(credentials, self._project_id)
        self.workflows = [{"id": str(one.id), "name": one.name} for one in workflows if one.project_id == workflow.project_id]
        project = of_project(projects, workflow.project_id)
        public_url = services().settings.public_url
        document = draft_document(workflow, load=stamp(), public_url=public_url, project=project)
        self.document = exact.text({**document, "elsewhere": elsewhere})

    def _drafts(self, changes: list[DraftEvent]) -> Any:
        """What others did to the draft goes to the canvas; what came by another way than operations has it loaded again. Where only
        the settings are others, they are fetched: the canvas and what can be undone there stay as they are."""
        newer = [change for change in changes if change.revision > self._revision]
        self._revision = max([self._revision, *(change.revision for change in newer)])
        sent, person = set(self._sent), signed_in(self).session.user.id
        settings = [change for change in newer if change.touched == [SETTINGS_PATH]]
        drawn = [change for change in newer if change.touched != [SETTINGS_PATH]]
        others = [change for change in drawn if not change.operations or not {str(one.id) for one in change.operations} <= sent]
        shown = [heard(change, person) for change in others]
        if not tellable(shown):
            return Editor.load_again(all(change["own"] for change in shown))
        window = Window(events=exact.loads(self.remote.encode())["events"] if self.remote else [])
        for change in shown:
            self.remote = exact.text(window.add(stamp(), change))
        return Editor.look(self._workflow_id, all(change.user == person for change in settings)) if settings else None

    def _present(self, people: Present) -> None:
        """The others who have the draft open."""
        own = signed_in(self).session.user.id
        self.people = [user.model_dump(mode="json") for user in people.users if user.id != own]

    @rx.event
    async def look(self, workflow_id: str, own: bool) -> None:
        """Fetch how a workflow stands, but for its graph, since its settings were changed: by the same person (`own`), or somebody else."""
        api = signed_in(self)
        self.standing = {**standing(await api.workflow(UUID(workflow_id)), stamp=stamp()), "own": own}

    @rx.event
    async def refresh(self) -> None:
        """The tab is looked at again: a credential may have been made in another one."""
        found = _credentials(await signed_in(self).credentials(), self._project_id)
        if found != self.credentials:
            self.credentials = found

    @rx.event
    async def store(self, batch: dict[str, Any]) -> None:
        """Apply a batch of operations. What can't be stored for now is sent again by the browser; what is refused is fatal."""
        api = signed_in(self)
        path = f"/workflows/{UUID(batch['workflow_id'])}/operations"
        self._sent = [*self._sent, *(operation["id"] for operation in batch["operations"])][-SENT_KEPT:]
        body = {"base_revision": batch["base_revision"], "operations": batch["operations"]}
        try:
            applied = OperationsApplied.model_validate(await api.call("POST", path, json=body))
        except ApiError as error:
            fatal = error.status < 500 and error.status not in (408, 425, 429)
            self.saved = exact.text({"batch": batch["batch"], "error": str(error), "fatal": fatal})
            return
        self.saved = exact.text({"batch": batch["batch"], **applied.model_dump(mode="json", exclude={"applied"})})

    @rx.event
    async def publish(self, note: str) -> None:
        """Freeze the draft as the next version; where it is refused, say where."""
        api = signed_in(self)
        workflow_id = address_id(self)
        await self._change(
            api, workflow_id, api.call("POST", f"/workflows/{workflow_id}/publish", json={"message": note[:1000]}), "Published."
        )

    @rx.event
    async def enable(self, on: bool) -> None:
        """Switch the triggers on or off. Publishes first where nothing is published."""
        api = signed_in(self)
        workflow_id = address_id(self)
        said = "Enabled. What starts it now:" if on else "Switched off: nothing starts it but you."
        await self._change(api, workflow_id, api.change_workflow(workflow_id, {"enabled": on}), said)
        if on and self.meta["enabled"]:
            version = await api.call("GET", f"/workflows/{workflow_id}/versions/{self.meta['published_version']}")
            self.meta = {**self.meta, "registered": triggers(version["graph"]["nodes"])}

    @rx.event
    async def rename(self, name: str) -> None:
        """Give the workflow another name."""
        api = signed_in(self)
        workflow_id = address_id(self)
        await self._change(api, workflow_id, api.change_workflow(workflow_id, {"name": name[:200]}), "Renamed.")

    @rx.event
    async def change_settings(self, given: dict[str, Any]) -> None:
        """Set some of what holds for the workflow as a whole: `{workflow_id, number, change}`. The answer tells the number."""
        api = signed_in(self)
        workflow_id = UUID(given["workflow_id"])

        async def change() -> None:
            now = (await api.workflow(workflow_id)).settings.model_dump(mode="json")
            await api.change_workflow(workflow_id, {"settings": {**now, **given["change"]}})

        await self._change(api, workflow_id, change(), "")
        self.meta = {**self.meta, "settled": given["number"]}

    async def _change(self, api: Api, workflow_id: UUID, change: Awaitable[Any], said: str) -> None:
        """Wait for the change and hand on what the workflow is now. What is wrong in nodes goes to the nodes."""
        answer: dict[str, Any] = {"said": said, "kind": "success"}
        try:
            await change
        except ApiError as error:
            answer = _refused(error)
        self.meta = {"seq": stamp(), "of": str(workflow_id), **publication(await api.workflow(workflow_id)), **answer}

    @rx.event
    async def run(self, given: dict[str, Any]) -> None:
        """Run the draft once, by hand: all of it, `only` one node, or `until` one node."""
        api = signed_in(self)
        answer: dict[str, Any] = {}
        body = {name: given[name] for name in ("input", "only", "until") if given.get(name) is not None}
        try:
            started = await api.call("POST", f"/workflows/{address_id(self)}/execute", json=body)
            self._follow = str(started["execution_id"])
        except ApiError as error:
            answer = _refused(error)
        self.meta = {"seq": stamp(), **answer}

    @rx.event
    async def fetch_pins(self, execution_id: str) -> Any:
        """What an execution's nodes put out, to be pinned in the draft."""
        api = signed_in(self)
        workflow_id, ident = address_id(self), UUID(execution_id)
        try:
            execution, steps = await asyncio.gather(api.execution(ident), all_steps(api, ident, values=True))
        except ApiError as error:
            return rx.toast.error(str(error))
        if execution.workflow_id != workflow_id:
            return rx.toast.error("That execution is of another workflow.")
        self.pins = exact.text({"stamp": stamp(), **pins(execution, steps)})
        return None

    @rx.event
    async def convert(self, given: dict[str, Any]) -> None:
        """What was copied elsewhere as nodes of ours: `{workflow_id, number, text}`. The answer tells the number."""
        api = signed_in(self)
        try:
            workflow = await api.workflow(UUID(given["workflow_id"]))
            found = await api.convert(str(given["text"]), str(workflow.project_id))
            told = [asdict(remark) for remark in remarks(found, await api.node_types() if found.problems else ())]
            answer = {**drawn(found.nodes, found.connections), "remarks": told}
        except ApiError as error:
            answer = {"error": str(error)}
        self.converted = exact.text({"number": given["number"], **answer})

    @rx.event
    async def preview_times(self, asked: dict[str, Any]) -> None:
        """The next times of a schedule: `{asked, next}`, or `{asked, error}`."""
        api = signed_in(self)
        body = {name: asked[name] for name in ("cron", "every_s", "timezone") if asked.get(name)}
        try:
            answer = await api.call("POST", "/schedules/preview", json=body)
        except ApiError as error:
            answer = {"error": str(error)}
        self.times = {"stamp": stamp(), "asked": asked, **answer}

    @rx.event
    async def list_versions(self) -> None:
        """The newest published versions."""
        answer = await signed_in(self).call("GET", f"/workflows/{address_id(self)}/versions", params={"limit": 100})
        self.versions = {"stamp": stamp(), "items": answer["items"]}

    @rx.event
    async def show_version(self, number: int) -> None:
        """The graph of one version, to compare the draft with."""
        found = await signed_in(self).call("GET", f"/workflows/{address_id(self)}/versions/{int(number)}")
        self.version = exact.text({"stamp": stamp(), "number": found["number"], "graph": found["graph"]})

    @rx.event
    async def restore(self, number: int) -> Any:
        """Make a version the draft."""
        api = signed_in(self)
        try:
            await api.call("POST", f"/workflows/{address_id(self)}/versions/{int(number)}/restore")
        except ApiError as error:
            self.meta = {"seq": stamp(), **_refused(error)}
            return None
        self.meta = {"seq": stamp(), "said": f"Version {number} is the draft now.", "kind": "success"}
        return Editor.load

    @rx.event
    async def compare_with_draft(self, execution_id: str) -> None:
        """What of the draft is no longer as it was in this execution."""
        api = signed_in(self)
        workflow_id, ident = address_id(self), UUID(execution_id)
        try:
            execution, graph, draft = await asyncio.gather(
                api.execution(ident), api.call("GET", f"/executions/{ident}/graph"), api.workflow(workflow_id)
            )
        except ApiError as error:
            if error.status == 404:  # deleted meanwhile
                return
            raise
        self.ran = exact.text({"stamp": stamp(), **changed_since(execution, graph["nodes"], draft.nodes)})

    @rx.event
    async def listen(self) -> None:
        """Let the draft's webhook answer under its test address for a while."""
        api = signed_in(self)
        workflow_id = address_id(self)
        answer: dict[str, Any]
        try:
            answer = {"listening": await api.call("POST", f"/workflows/{workflow_id}/listen")}
        except ApiError as error:
            answer = _refused(error)
        self.meta = {"seq": stamp(), **answer}

    @rx.event
    async def list_runs(self) -> None:
        """The recent executions of this workflow."""
        page = await signed_in(self).executions(workflow_id=str(address_id(self)), limit=RUNS_SHOWN)
        shown = {"id", "status", "version", "trigger", "created_at", "started_at", "finished_at"}
        self.runs = {"stamp": stamp(), "items": [run.model_dump(mode="json", include=shown) for run in page.items]}


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
            inputs=Editor.inputs,
            workflows=Editor.workflows,
            data=Editor.data,
            log=Editor.log,
            ran=Editor.ran,
            versions=Editor.versions,
            version=Editor.version,
            previews=Editor.previews,
            values=Editor.values,
            page=Editor.page,
            pins=Editor.pins,
            converted=Editor.converted,
            times=Editor.times,
            meta=Editor.meta,
            standing=Editor.standing,
            remote=Editor.remote,
            people=Editor.people,
            missing=Editor.missing,
            on_operations=Editor.store,
            on_publish=Editor.publish,
            on_enable=Editor.enable,
            on_run=Editor.run,
            on_step=Editor.show_step,
            on_values=Editor.show_values,
            on_page=Editor.show_page,
            on_pins=Editor.fetch_pins,
            on_convert=Editor.convert,
            on_times=Editor.preview_times,
            on_runs=Editor.list_runs,
            on_rename=Editor.rename,
            on_reload=Editor.load,
            on_refresh=Editor.refresh,
            on_watch=Editor.watch,
            on_leave=Editor.leave,
            on_steer=Editor.steer,
            on_listen=Editor.listen,
            on_inputs=Editor.list_inputs,
            on_save_input=Editor.save_input,
            on_delete_input=Editor.delete_input,
            on_settings=Editor.change_settings,
            on_versions=Editor.list_versions,
            on_version=Editor.show_version,
            on_restore=Editor.restore,
            on_data=Editor.fetch_data,
            on_log=Editor.show_log,
            on_ran=Editor.compare_with_draft,
            on_previews=Editor.preview,
        ),
        current="Workflows",
        full=True,
    )
