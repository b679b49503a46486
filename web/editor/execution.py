"""The page of one execution: the graph it ran, how each node did, and what went in and came out."""

import asyncio
from typing import Any
from uuid import UUID

import reflex as rx

from trestle.contracts.graph import Connection, Node
from trestle.contracts.states import TERMINAL
from web import exact
from web.access import signed_in
from web.api import Api
from web.backend import ApiError
from web.components.frame import frame
from web.editor.canvas import canvas
from web.editor.comparing import compared, named
from web.editor.graph import run_document, run_of, statuses
from web.editor.live import Window
from web.editor.watching import Watching, address_id, all_steps, all_workflows, id_in, stamp
from web.projects import of_project

NO_SUCH = "There is no such execution, or it isn't yours. Finished ones are deleted after their workflow's retention time."
CALLING = {"workflow.call"}
"""Types of nodes that name another workflow."""


class PastExecution(Watching, rx.State):
    """One execution on the canvas. Still followed while it runs."""

    catalogue: list[dict[str, Any]] = []
    runs: dict[str, Any] = {}
    workflows: list[dict[str, Any]] = []
    comparison: dict[str, Any] = {}
    missing: str = ""
    _ended: bool = False

    def _stream(self) -> str:
        return f"/executions/{address_id(self)}/events"

    async def _first(self, api: Api, path: str) -> str:
        return str(id_in(path))

    @rx.event
    async def load(self) -> None:
        """Fetch the execution, its graph and its steps."""
        api = signed_in(self)
        self.missing, self._watch, self.step, self.log, self.meta = "", 0, {}, {}, {}
        self.comparison, self.runs = {}, {}
        self.values = self.page = ""
        try:
            execution_id = address_id(self)
            execution, graph, steps, types, projects = await asyncio.gather(
                api.execution(execution_id),
                api.call("GET", f"/executions/{execution_id}/graph"),
                all_steps(api, execution_id, values=False),
                api.node_types(),
                api.projects(),
            )
        except ValueError:
            self.missing = NO_SUCH
            return
        except ApiError as error:
            self.missing = NO_SUCH if error.status == 404 else str(error)
            return
        nodes = [Node.model_validate({name: value for name, value in node.items() if name != "id"}) for node in graph["nodes"]]
        links = [Connection.model_validate({name: value for name, value in link.items() if name != "id"}) for link in graph["connections"]]
        self._ended = execution.status in TERMINAL
        self.catalogue = [found.model_dump(mode="json") for found in types]
        if CALLING & {node.type for node in nodes}:
            self.workflows = [{"id": str(one.id), "name": one.name} for one in await all_workflows(api)]
        project = of_project(projects, execution.project_id)
        self.document = exact.text(run_document(execution, nodes, links, load=stamp(), project=project))
        self.live = Window().add(stamp(), {"reset": True, "run": run_of(execution), "nodes": statuses(steps)})

    @rx.event
    def look(self) -> Any:
        """Somebody looks: follow it, unless it has ended."""
        signed_in(self)
        self.document = ""
        return None if self._ended else PastExecution.watch

    @rx.event
    async def list_runs(self) -> None:
        """The other executions of the same workflow, newest first: those that it can be compared with."""
        api = signed_in(self)
        own = await api.execution(address_id(self))
        found = await api.executions(workflow_id=str(own.workflow_id), limit=50) if own.workflow_id else None
        shown = {"id", "status", "version", "trigger", "created_at", "started_at", "finished_at"}
        others = [run.model_dump(mode="json", include=shown) for run in found.items if run.id != own.id] if found else []
        self.runs = {"stamp": stamp(), "items": others}

    @rx.event
    async def compare(self, other_id: str) -> Any:
        """Set this execution beside another one; an empty id: the one before it; `none`: no longer."""
        api = signed_in(self)
        if other_id == "none":
            self.comparison = {"stamp": stamp()}
            return None
        own_id = address_id(self)
        if not other_id:
            own = await api.execution(own_id)
            recent = (await api.executions(workflow_id=str(own.workflow_id or ""), limit=200)).items
            other_id = next((str(run.id) for run in recent if own.workflow_id and run.created_at < own.created_at), "")
        if not other_id:
            return rx.toast.info("There is no earlier run of this workflow to compare with.")
        other, mine, theirs = await asyncio.gather(
            api.execution(UUID(other_id)), all_steps(api, own_id, values=True), all_steps(api, other_id, values=True)
        )
        self.comparison = {"stamp": stamp(), "other": named(other), "nodes": compared(mine, theirs)}
        return None


def page() -> rx.Component:
    """`/executions/[execution_id]`."""
    return frame(
        canvas(
            document=PastExecution.document,
            catalogue=PastExecution.catalogue,
            live=PastExecution.live,
            step=PastExecution.step,
            log=PastExecution.log,
            values=PastExecution.values,
            page=PastExecution.page,
            runs=PastExecution.runs,
            workflows=PastExecution.workflows,
            comparison=PastExecution.comparison,
            meta=PastExecution.meta,
            missing=PastExecution.missing,
            on_step=PastExecution.show_step,
            on_log=PastExecution.show_log,
            on_values=PastExecution.show_values,
            on_page=PastExecution.show_page,
            on_runs=PastExecution.list_runs,
            on_compare=PastExecution.compare,
            on_watch=PastExecution.look,
            on_leave=PastExecution.leave,
            on_steer=PastExecution.steer,
        ),
        current="Executions",
        full=True,
    )
