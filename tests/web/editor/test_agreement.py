"""Browser and backend agree on what an operation does to a draft: else a reload would show another graph than was drawn."""

from uuid import UUID, uuid4

from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from backend.workflows import drafts, edits
from tests.web.editor.browser_modules import BrowserModules
from tests.web.editor.drawings import Drawing, graphs
from tests.web.editor.drawings import edits as operations
from tests.web.editor.test_graph_edits import canonical
from trestle.contracts.graph import Graph
from trestle.contracts.workflows import Operation

wire: TypeAdapter[Operation] = TypeAdapter(Operation)


def drawing(draft: drafts.Draft) -> Drawing:
    return {
        "nodes": [node.model_dump(mode="json", exclude={"id"}) for node in draft.nodes.values()],
        "connections": [link.model_dump(mode="json", exclude={"id"}) for link in draft.connections.values()],
    }


@settings(max_examples=150, deadline=None)
@given(data=st.data(), graph=graphs())
def test_an_operation_does_the_same_on_both_sides(js: BrowserModules, data: st.DataObject, graph: Drawing) -> None:
    whole = Graph.model_validate(graph)
    operation = data.draw(operations(graph))
    ident: UUID = uuid4()
    stored = edits.apply(drafts.drawn(whole.nodes, whole.connections), wire.validate_python({"id": str(ident), **operation}))
    assert canonical(drawing(stored)) == canonical(js.call("graph.js", "apply", graph, operation))
