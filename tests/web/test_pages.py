"""What the pages work out in plain functions, and the rule that every handler of theirs asks who calls."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import reflex as rx

from backend.credentials.types import TYPES
from trestle.contracts.executions import ExecutionError, ExecutionSummary
from trestle.contracts.imports import Imported
from trestle.contracts.node_types import NodeType
from trestle.contracts.states import ExecutionStatus
from trestle.contracts.templates import Template
from trestle.contracts.users import Project, ProjectRole
from trestle.contracts.workflows import RecentRun, WorkflowSummary
from web import app as application
from web import remarks
from web.access import safe_path
from web.credential_form import Blank, blanks, chosen, filled, hosts_of, wrong_host
from web.pages import execution_rows, templates, workflow_rows
from web.pages.sign_in import Door
from web.signing_in import SignedOut
from web.theme import STATUS_COLOR, STATUS_ICON

NOW = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
SCHEMA = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "title": "Header", "description": "For example X-Api-Key"},
        "value": {"type": "string", "title": "Value", "writeOnly": True},
        "port": {"type": "integer", "default": 25},
    },
    "required": ["name", "value"],
}


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [(0, "< 1 ms"), (999.4, "999 ms"), (1200, "1.2 s"), (59_960, "1 min 0 s"), (125_000, "2 min 5 s"), (12_000_000, "3 h 20 min")],
)
def test_a_duration_has_the_units_that_matter(milliseconds: float, text: str) -> None:
    assert execution_rows.duration_text(milliseconds) == text


def execution(**fields: Any) -> ExecutionSummary:
    return ExecutionSummary.model_validate(
        {
            "id": UUID(int=1),
            "project_id": UUID(int=2),
            "workflow_id": None,
            "version": None,
            "status": "queued",
            "trigger": {"kind": "webhook"},
            "created_at": NOW,
        }
        | fields
    )


def test_an_execution_says_what_it_was_and_what_went_wrong() -> None:
    queued = execution_rows.shown(execution(), NOW)
    assert (queued.workflow, queued.version, queued.took) == ("Deleted workflow", "Draft", "–")
    running = execution_rows.shown(execution(status="running", started_at=NOW - timedelta(seconds=3)), NOW)
    assert running.took == "3.0 s"
    again = [execution_rows.shown(execution(version=2, **{of: UUID(int=2)}), NOW).version for of in ("retry_of", "replay_of")]
    assert again == ["Version 2 · retry", "Version 2 · replay"]
    error = ExecutionError(type="HttpStatus", message="answered 502", node="tell")
    failed = execution_rows.shown(execution(status="failed", version=3, error=error, started_at=NOW, finished_at=NOW), NOW)
    assert (failed.error, failed.version, failed.took) == ("tell: answered 502", "Version 3", "< 1 ms")
    went_on = [execution_rows.shown(execution(status="succeeded", failed_steps=count), NOW).passed_over for count in (0, 1, 3)]
    assert went_on == ["", "failures in one node", "failures in 3 nodes"]


@pytest.mark.parametrize(("role", "may"), [("viewer", (False, False)), ("operator", (True, False)), ("editor", (True, True))])
def test_an_execution_says_what_the_person_may_do_with_it(role: ProjectRole, may: tuple[bool, bool]) -> None:
    team = Project(id=execution().project_id, name="Team", personal=False, role=role, created_at=NOW)
    other = team.model_copy(update={"id": UUID(int=9), "role": ProjectRole.ADMIN})
    row = execution_rows.shown(execution(), NOW, [other, team])
    assert (row.may_run, row.may_edit) == may


def test_every_state_has_an_icon_and_a_colour() -> None:
    assert {status.value for status in ExecutionStatus} <= STATUS_COLOR.keys() == STATUS_ICON.keys()


SUMMARY = WorkflowSummary(
    id=UUID(int=1),
    project_id=UUID(int=2),
    name="Leads",
    description="",
    tags=[],
    folder="",
    enabled=False,
    revision=0,
    published_version=None,
    has_unpublished_changes=True,
    created_at=NOW,
    updated_at=NOW,
)


def test_a_workflow_without_a_description_says_how_large_it_is() -> None:
    assert workflow_rows.shown(SUMMARY, {}).about == "No nodes yet"
    assert workflow_rows.shown(SUMMARY.model_copy(update={"node_count": 3}), {}).about == "3 nodes"


@pytest.mark.parametrize(
    ("role", "may_run", "may_edit"),
    [(ProjectRole.VIEWER, False, False), (ProjectRole.OPERATOR, True, False), (ProjectRole.EDITOR, True, True)],
)
def test_a_workflow_offers_what_the_role_in_its_project_allows(role: ProjectRole, may_run: bool, may_edit: bool) -> None:
    team = Project(id=SUMMARY.project_id, name="Team", personal=False, role=role, created_at=NOW)
    row = workflow_rows.shown(SUMMARY, {team.id: team})
    assert (row.project, row.may_run, row.may_edit) == ("Team", may_run, may_edit)
    assert workflow_rows.shown(SUMMARY, {team.id: team.model_copy(update={"personal": True})}).project == ""
    elsewhere = workflow_rows.shown(SUMMARY, {UUID(int=99): team})
    assert (elsewhere.project, elsewhere.may_run) == ("", False)


def test_a_secret_is_asked_for_and_never_shown() -> None:
    name, value, port = blanks(SCHEMA, {"name": "X-Api-Key"}, ["name", "value"], {})
    assert name == Blank("data.name", "Header", "For example X-Api-Key", "text", True, "X-Api-Key", "")
    assert (value.input, value.value, value.required, value.placeholder) == ("password", "", False, "Set. Type to replace it")
    assert (value.is_kept, value.may_drop, port.input, port.value) == (True, "", "number", "25")
    assert [blank.required for blank in blanks(SCHEMA, {}, [], {})] == [True, True, False]
    optional = blanks({"properties": {"old": {"title": "Old", "writeOnly": True}}}, {}, ["old"], {})
    assert optional[0].may_drop == "drop.old"


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("Answer a web request (copy)", "answer-a-web-request-copy"),
        ("Über_alles 2", "über-alles-2"),
        ("日本 / x", "日本-x"),
        ("…", "workflow"),
    ],
)
def test_an_export_is_called_as_the_workflow_is(name: str, file: str) -> None:
    assert workflow_rows.shown(SUMMARY.model_copy(update={"name": name}), {}).file == file


def test_what_is_left_empty_is_left_as_it_was() -> None:
    form = {"data.name": "X-Key", "data.value": "", "data.port": "587", "data.other": "x"}
    assert filled(SCHEMA, form, ["name", "value"], {}) == {"name": "X-Key", "port": 587}
    assert filled(SCHEMA, {"data.name": "X-Key", "data.port": ""}, ["name", "value", "port"], {}) == {"name": "X-Key", "port": None}
    assert filled(SCHEMA, {"data.name": "X-Key", "drop.value": "on"}, ["name", "value"], {}) == {"name": "X-Key", "value": None}


def test_a_web_token_is_verified_by_a_secret_or_by_a_public_key() -> None:
    schema = TYPES["jwt"].fields_schema
    shared = chosen(schema, {})
    assert shared == {"algorithm": "HS256"}
    assert [(one.name, one.input, one.required) for one in blanks(schema, {}, [], shared)] == [
        ("data.algorithm", "choice", True),
        ("data.secret", "password", True),
    ]
    signed = {"algorithm": "RS256"}
    assert [(one.name, one.input) for one in blanks(schema, {}, ["algorithm", "secret"], signed)][1:] == [("data.public_key", "lines")]
    form = {"data.algorithm": "RS256", "data.public_key": "-----BEGIN PUBLIC KEY-----\nx"}
    switched = {"algorithm": "RS256", "public_key": "-----BEGIN PUBLIC KEY-----\nx", "secret": None}
    assert filled(schema, form, ["algorithm", "secret"], signed) == switched


def test_hosts_are_read_however_they_are_separated() -> None:
    hosts = hosts_of(" api.example.com,*.example.org\nlocalhost ,")
    assert hosts == ["api.example.com", "*.example.org", "localhost"]
    assert wrong_host(hosts) == ""
    assert wrong_host(["a.example", "https://b.example"]).startswith("“https://b.example” is not a host name.")


@pytest.mark.parametrize(
    ("path", "safe"),
    [
        ("/executions?status=failed", "/executions?status=failed"),
        ("", "/workflows"),
        ("//evil.example", "/workflows"),
        ("/\\evil.example", "/workflows"),
        ("https://evil.example", "/workflows"),
        ("javascript:alert(1)", "/workflows"),
        ("/a\nb", "/workflows"),
        ("/sign-in?next=/sign-in", "/workflows"),
    ],
)
def test_signing_in_leads_to_a_page_of_this_site(path: str, safe: str) -> None:
    assert safe_path(path) == safe


class Careless(rx.State):
    """What must not pass: it looks who is there, but only after it has done something."""

    done: int = 0

    @rx.event
    async def forgets(self) -> None:
        """Asks nobody."""
        self.done += 1


def handlers(package: str = "web.") -> Iterator[tuple[str, type[rx.State], Any]]:
    """Every event handler of the states that are defined in a package: of those that are there, whatever they are called."""
    assert application.app is not None
    pending = [rx.State]
    while pending:
        for state in pending.pop().__subclasses__():
            pending.append(state)
            for name, handler in state.event_handlers.items():
                # Others are Reflex's own: they change nothing but what the same tab shows.
                if handler.fn.__module__.startswith(package):
                    yield f"{state.__name__}.{name}", state, handler.fn


HANDLERS = [pytest.param(state, fn, id=name) for name, state, fn in handlers() if state is not Door]


async def called(state: type[rx.State], fn: Any) -> None:
    """Call a handler as a stranger's socket would."""
    stranger = rx.State(_reflex_internal_init=True).get_substate(state.get_full_name().split("."))  # type: ignore[call-arg]
    arguments: list[dict[str, Any]] = [{} for _ in list(inspect.signature(fn).parameters)[1:]]
    result = fn(stranger, *arguments)
    if inspect.isasyncgen(result):
        await anext(result)
    elif inspect.isawaitable(result):
        await result


@pytest.mark.usefixtures("configured")
@pytest.mark.parametrize(("state", "fn"), HANDLERS)
async def test_every_handler_asks_who_calls(state: type[rx.State], fn: Any) -> None:
    # A handler is a public endpoint: anybody may send its name over the event socket.
    with pytest.raises(SignedOut):
        await called(state, fn)


@pytest.mark.usefixtures("configured")
async def test_a_handler_that_asks_nobody_is_found() -> None:
    ((name, state, fn),) = handlers(__name__)
    assert name == "Careless.forgets"
    with pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"):
        await test_every_handler_asks_who_calls(state, fn)
    assert len(HANDLERS) > 100


def test_recent_executions_are_bars_as_high_as_they_took_long() -> None:
    def run(status: str, ms: float | None) -> RecentRun:
        return RecentRun(id=UUID(int=1), status=status, ms=ms)

    drawn = workflow_rows.bars([run("succeeded", 10), run("failed", 1000), run("running", None)])
    assert [bar.status for bar in drawn] == ["succeeded", "failed", "running"]
    assert drawn[1].height == 100
    assert 20 < drawn[0].height < 100
    assert (drawn[2].height, drawn[2].title) == (20, "running")
    assert workflow_rows.told([run("failed", 1)] * 3) == "The last 3 executions: 3 failed"
    assert [bar.height for bar in workflow_rows.bars([run("succeeded", 0)])] == [20]
    assert workflow_rows.tags_of(" a, b,a ,, c") == ["a", "b", "c"]


def test_a_template_is_a_card_with_its_picture_and_what_is_to_be_filled_in() -> None:
    nodes = [
        {"key": "a", "type": "trigger.webhook", "name": "A name that is much too long", "position": {"x": 0, "y": -70}},
        {"key": "b", "type": "http.request", "position": {"x": 300, "y": 70}},
    ]
    document = {"nodes": nodes, "connections": [{"source": "a", "target": "b"}]}
    about = {"title": "T", "description": "To the chat", "group": "G", "node_types": [], "credential_types": []}
    fill_in = [{"node": "b", "what": "The address"}]
    card = templates.shown(Template.model_validate({"name": "t", **about, "fill_in": fill_in, "document": document}))
    assert (card.effort, [(need.node, need.what) for need in card.needs]) == ("1 thing to fill in", [("b", "The address")])
    assert card.picture.view == "-24 -94 572 272"
    assert [box.label for box in card.picture.boxes] == ["A name that is m…", "b"]
    assert card.picture.wires == ["M224 -28 C264 -28 260 112 300 112"]
    assert templates.found([card], "chat t", "G") == [card]
    assert templates.found([card], "", "Other") == templates.found([card], "mail", "All") == []


def test_what_a_template_tries_with_reaches_the_browser_as_a_literal() -> None:
    script = templates.opening("id", {"a": "'\"</script>\n"})
    assert script.startswith("localStorage.setItem('trestle.input.id', \"{")
    assert "\n" not in script
    assert templates.opening("id", None) == "location.assign('/workflows/id')"
    assert templates.opening("id", None, "tell_2") == "location.assign('/workflows/id?node=tell_2')"


def test_an_import_is_told_in_the_words_of_the_page() -> None:
    schema = {
        "properties": {
            "to_role": {"anyOf": [{"type": "string"}, {"type": "null"}], "title": "Role"},
            "cases": {"type": "array", "title": "Cases", "items": {"$ref": "#/$defs/Case"}},
            "auth": {"title": "Authentication", "oneOf": [{"$ref": "#/$defs/Case"}, {"properties": {"key": {"title": "Key"}}}]},
        },
        "$defs": {"Case": {"properties": {"label": {"title": "Label"}}}},
    }
    assert remarks.titles(["cases", 1, "label"], schema) == ["Cases", "2", "Label"]
    assert remarks.titles(["auth", "key"], schema) == ["Authentication", "Key"]
    assert remarks.titles(["headers", "X-A"], schema) == ["headers", "X-A"]
    kind = NodeType(type="notify", title="Notify", group="g", description="", icon="bell", config_schema=schema)
    node = {"id": UUID(int=3), "key": "n", "type": "notify", "config": {}}
    problems = [
        {"node": "n", "loc": ["config", "to_role"], "message": "to_role: Nobody has it."},
        {"node": "named", "loc": ["config", "cases", 0, "label"], "message": "cases[0].label is required."},
        {"node": "named", "loc": ["type"], "message": "There is no such type."},
        {"node": None, "loc": ["nodes"], "message": "There is no trigger."},
    ]
    nodes = [node, {**node, "key": "named", "name": "Tell us"}]
    whole = {**SUMMARY.model_dump(), "settings": {}, "nodes": nodes, "connections": [], "problems": []}
    unmapped = [{"path": "nodes.2.type", "where": "Node “a”", "reason": "There is none."}]
    answer = Imported.model_validate({"workflow": whole, "problems": problems, "unmapped": unmapped})
    assert [(one.where, one.what) for one in remarks.remarks(answer, [kind])] == [
        ("Node “a”", "There is none."),
        ("Node “Notify”", "Role: Nobody has it."),
        ("Node “Tell us”", "Cases › 1 › Label is required."),
        ("Node “Tell us”", "There is no such type."),
        ("The workflow", "There is no trigger."),
    ]
