"""Data while one draws: what the last run recorded, what expressions give with it, and the test inputs that are kept."""

import asyncio
from typing import Any
from uuid import UUID

import reflex as rx

from web import exact
from web.access import signed_in
from web.api import Api
from web.backend import ApiError
from web.editor.samples import recorded, sample, shortened
from web.editor.watching import address_id, stamp, whole_run

MOST_PREVIEWS = 50


async def newest_run(api: Api, workflow_id: UUID) -> str:
    """The id of a workflow's newest execution; empty where it has none."""
    newest = (await api.executions(workflow_id=str(workflow_id), limit=1)).items
    return str(newest[0].id) if newest else ""


class AtHand(rx.State, mixin=True):
    """What the panel of a node has to work with."""

    data: str = ""
    previews: str = ""
    inputs: str = ""
    _project_id: str = ""
    _data_of: str = ""  # the execution that the data is of

    @rx.event
    async def fetch_data(self, execution_id: str) -> None:
        """What expressions can use: recorded by this execution, or by the newest."""
        api = signed_in(self)
        workflow_id = address_id(self)
        execution_id = execution_id or await newest_run(api, workflow_id)
        found: dict[str, Any] = {}
        if execution_id:
            found = recorded(*await whole_run(api, UUID(execution_id)))
        variables = {one.name: sample(one.value) for one in await api.variables(self._project_id)} if self._project_id else {}
        self._data_of = execution_id
        self.data = exact.text({"stamp": stamp(), "vars": variables, **found})

    @rx.event
    async def preview(self, wanted: dict[str, Any]) -> None:
        """What expressions of a node give with that data."""
        api = signed_in(self)
        path, node = f"/workflows/{address_id(self)}/preview", str(wanted["node"])
        execution_id = self._data_of or None
        trial = None if execution_id else wanted.get("payload")

        async def one(expression: str) -> dict[str, Any]:
            try:
                answer = await api.call(
                    "POST", path, json={"node": node, "expression": expression, "execution_id": execution_id, "payload": trial}
                )
            except ApiError as error:
                return {"expression": expression, "error": {"message": str(error), "hint": ""}}
            return {"expression": expression, **shortened(answer)}

        results = await asyncio.gather(*(one(str(expression)) for expression in wanted["expressions"][:MOST_PREVIEWS]))
        self.previews = exact.text({"stamp": stamp(), "node": node, "results": results})

    @rx.event
    async def list_inputs(self) -> None:
        """The test inputs that are kept for this workflow."""
        await self._list_inputs(signed_in(self), address_id(self))

    @rx.event
    async def save_input(self, given: dict[str, Any]) -> Any:
        """Keep a test input under a name; one of that name is replaced."""
        api = signed_in(self)
        workflow_id = address_id(self)
        try:
            await api.call("POST", f"/workflows/{workflow_id}/inputs", json={"name": given["name"], "input": given.get("input")})
        except ApiError as error:
            return rx.toast.error(str(error))
        await self._list_inputs(api, workflow_id)
        return None

    @rx.event
    async def delete_input(self, input_id: str) -> Any:
        """Forget a test input."""
        api = signed_in(self)
        workflow_id = address_id(self)
        try:
            await api.call("DELETE", f"/workflows/{workflow_id}/inputs/{UUID(input_id)}")
        except ApiError as error:
            return rx.toast.error(str(error))
        await self._list_inputs(api, workflow_id)
        return None

    async def _list_inputs(self, api: Api, workflow_id: UUID) -> None:
        answer = await api.call("GET", f"/workflows/{workflow_id}/inputs")
        self.inputs = exact.text([{name: one[name] for name in ("id", "name", "input")} for one in answer["items"]])
