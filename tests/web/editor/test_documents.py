"""What the canvas is handed."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from tests.web.editor.browser_modules import BrowserModules
from trestle.contracts.executions import Execution, Step
from trestle.contracts.graph import Connection, Node
from trestle.contracts.states import ExecutionStatus, StepStatus
from trestle.contracts.users import Project, ProjectRole
from web.editor.graph import attempts, changed_since, origins, reruns, run_document, statuses


def step(node: str, status: StepStatus, attempt: int = 1, **more: Any) -> Step:
    return Step(id=uuid4(), node=node, type="set", status=status, attempt=attempt, **more)


def test_a_node_has_the_status_of_its_last_attempt() -> None:
    steps = [
        step("tell", StepStatus.FAILED, 1),
        step("each", StepStatus.RUNNING),
        step("each", StepStatus.SUCCEEDED, item=0),
        step("tell", StepStatus.SUCCEEDED, 2, duration_ms=4.5, port="main", items=3, failed_items=1),
        step("ask", StepStatus.WAITING, waits_for="approval", due_at=datetime(2026, 1, 2, tzinfo=UTC), wait={"title": "?"}),
    ]
    assert statuses(steps) == {
        "tell": {"status": "succeeded", "ms": 4.5, "items": 3, "failed_items": 1, "attempt": 2, "port": "main"},
        "each": {"status": "running", "ms": None, "items": None, "failed_items": None, "attempt": 1, "port": None},
        "ask": {
            "status": "waiting",
            "ms": None,
            "items": None,
            "failed_items": None,
            "attempt": 1,
            "port": None,
            "wait": {"due": "2026-01-02T00:00:00+00:00", "reason": None, "answer": "approval"},
        },
    }


def test_attempts_are_listed_without_their_values() -> None:
    steps = [step("one", StepStatus.FAILED, output=1), step("other", StepStatus.SKIPPED), step("one", StepStatus.SUCCEEDED, 2, item=0)]
    first, second = attempts(steps, "one")
    assert (first["id"], second["item"], "output" in first) == (str(steps[0].id), 0, False)


def test_a_run_says_which_nodes_are_otherwise_by_now(js: BrowserModules) -> None:
    run = Execution(
        id=uuid4(),
        project_id=UUID(int=1),
        workflow_id=None,
        version=3,
        status=ExecutionStatus.SUCCEEDED,
        trigger={},
        created_at=datetime.now(UTC),
    )
    then = [Node(key=key, type="set", config={"fields": {"x": 1}}).model_dump(mode="json") for key in "abcd"]
    draft = [Node(key=key, type="set", config={"fields": {"x": 1}}) for key in "abce"]
    draft[0].config = {"fields": {"x": 2}}
    draft[1].name, draft[1].notes, draft[1].pinned, draft[1].position.x = "Other", "But for", "what it does", 400
    draft[2].disabled = True
    found = changed_since(run, [{"id": str(uuid4()), **node} for node in then], draft)
    assert (found["version"], {key: node and node["disabled"] for key, node in found["nodes"].items()}) == (
        3,
        {"a": False, "c": False, "e": None},
    )

    drawn = [node.model_dump(mode="json") for node in draft]
    seen = js.call("ran.js", "seen", {"nodes": drawn, "connections": []}, found)
    assert [js.call("ran.js", "isChanged", seen, node) for node in drawn] == [True, False, True, False]
    undone = [{**drawn[0], "config": {"fields": {"x": 1}, "other": None}}, {**drawn[2], "disabled": False}]
    assert [js.call("ran.js", "isChanged", seen, node) for node in undone] == [False, False], "taken back, it is as it ran"
    edited = [{**drawn[1], "config": {}}, {**drawn[1], "pinned": None, "position": {"x": 0, "y": 0}}]
    assert [js.call("ran.js", "isChanged", seen, node) for node in edited] == [True, False]
    assert js.call("ran.js", "isChanged", None, drawn[0]) is False


def test_a_run_is_drawn_on_the_graph_it_ran() -> None:
    execution = Execution(
        id=uuid4(),
        project_id=UUID(int=1),
        workflow_id=None,
        version=3,
        status=ExecutionStatus.FAILED,
        trigger={"kind": "webhook"},
        created_at=datetime.now(UTC),
    )
    operator = Project(id=execution.project_id, name="", personal=False, role=ProjectRole.OPERATOR, created_at=execution.created_at)
    nodes = [Node(key="a", type="set"), Node(key="b", type="set")]
    document = run_document(execution, nodes, [Connection(source="a", target="b")], load=5, project=operator)
    assert (document["may_edit"], document["may_run"]) == (False, True)
    assert (document["mode"], document["load"], document["execution"]["version"]) == ("view", 5, 3)
    assert [node["key"] for node in document["nodes"]] == ["a", "b"]
    assert document["connections"] == [{"source": "a", "source_port": "main", "target": "b"}]


def test_a_run_says_that_it_was_run_again() -> None:
    about: dict[str, Any] = {
        "id": uuid4(),
        "project_id": UUID(int=1),
        "workflow_id": None,
        "version": 1,
        "status": "failed",
        "created_at": datetime.now(UTC),
        "trigger": {},
    }
    newest, first, replay = uuid4(), uuid4(), uuid4()
    assert reruns(Execution.model_validate(about)) == []
    assert reruns(Execution.model_validate({**about, "retried_by": [newest, first], "replayed_by": [replay]})) == [
        {"text": "Retried", "href": f"/executions/{newest}"},
        {"text": "Replayed", "href": f"/executions/{replay}"},
    ]


def test_a_run_says_which_executions_it_comes_from() -> None:
    def of(**more: Any) -> list[Any]:
        about: dict[str, Any] = {"id": uuid4(), "project_id": uuid4(), "workflow_id": None, "version": 1}
        about |= {"status": "queued", "created_at": datetime.now(UTC)}
        return origins(Execution.model_validate({**about, "trigger": {"kind": "manual"}, **more}))

    before = uuid4()
    assert of() == []
    assert of(retry_of=before) == [{"text": "Retry of an earlier run", "href": f"/executions/{before}"}]
    assert of(replay_of=before) == [{"text": "Replay of an earlier run", "href": f"/executions/{before}"}]
    assert of(parent_id=before) == [{"text": "Called by another execution", "href": f"/executions/{before}"}]
    error = {"kind": "error", "execution_id": str(before)}
    assert of(trigger=error, input={"workflow": {"name": "Orders"}}) == [{"text": "“Orders” failed", "href": f"/executions/{before}"}]
    assert [one["text"] for one in of(trigger=error, retry_of=before)] == ["Retry of an earlier run", "Another execution failed"]
