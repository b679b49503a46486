"""The page of one execution: the graph it ran, how each node did, and what went in and came out."""

import asyncio
from typing import Any

import reflex as rx

from trestle.contracts.graph import Connection, Node
from trestle.contracts.states import TERMINAL
from web.access import signed_in
from web.backend import ApiError
from web.components.frame import frame
from web.editor.canvas import canvas
from web.editor.graph import run_document, run_of, statuses
from web.editor.live import Window
from web.editor.watching import Watching, address_id, all_steps, stamp

NO_SUCH = "There is no such execution, or it isn't yours. Finished ones are deleted after their workflow's retention time."


class PastExecution(Watching, rx.State):
    """One execution on the canvas. Still followed while it runs."""

    catalogue: list[dict[str, Any]] = []
    missing: str = ""
    _ended: bool = False

    def _stream(self) -> str:
        return f"/executions/{address_id(self)}/events"

    def _first(self) -> str:
        return str(address_id(self))

    @rx.event
    async def load(self) -> None:
        """Fetch the execution, its graph and its steps."""
        api = signed_in(self)
        self.missing, self._watch, self.step, self.meta = "", 0, {}, {}
        try:
            execution_id = address_id(self)
            execution, graph, steps, types = await asyncio.gather(
                api.execution(execution_id),
                api.call("GET", f"/executions/{execution_id}/graph"),
                all_steps(api, execution_id),
                api.node_types(),
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
        self.document = run_document(execution, nodes, links, load=stamp())
        self.live = Window().add(stamp(), {"reset": True, "run": run_of(execution), "nodes": statuses(steps)})

    @rx.event
    def look(self) -> Any:
        """Somebody looks: follow it, unless it has ended."""
        signed_in(self)
        self.document = {}
        return None if self._ended else PastExecution.watch


def page() -> rx.Component:
    """`/executions/[execution_id]`."""
    return frame(
        canvas(
            document=PastExecution.document,
            catalogue=PastExecution.catalogue,
            live=PastExecution.live,
            step=PastExecution.step,
            meta=PastExecution.meta,
            missing=PastExecution.missing,
            on_step=PastExecution.show_step,
            on_watch=PastExecution.look,
            on_leave=PastExecution.leave,
            on_steer=PastExecution.steer,
        ),
        current="Executions",
        full=True,
    )
