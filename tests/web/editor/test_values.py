"""Values of steps in the browser: beginnings of large ones, more of them on demand; shapes, tables and differences."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.web.editor.browser_modules import BrowserModules
from web.editor.values import PAGE, WHOLE_BYTES, at, part, put, shown, size_of
from web.schedule_words import schedule_words

LEAVES = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.text(max_size=6)
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text("ab~/. é", max_size=4), inner, max_size=5), max_leaves=25
)


def test_small_values_come_whole_and_large_ones_by_their_beginnings() -> None:
    assert shown({"a": [1]}) == {"value": {"a": [1]}, "bytes": 9, "cuts": {}}
    row = {"id": 1, "text": "x" * 3000, "tags": list(range(300))}
    large = {"rows": [row] * 3000, "next": 2**70}
    found = shown(large)
    assert found["bytes"] == size_of(large) > 10 * WHOLE_BYTES
    assert size_of(found["value"]) <= WHOLE_BYTES
    assert found["cuts"]["/rows"] == 3000
    assert found["cuts"]["/rows/0/text"] == 3000
    for pointer in ("/rows", "/rows/0/tags"):
        assert at(found["value"], pointer) == at(shown(large)["value"], pointer)
        assert len(at(found["value"], pointer)) < found["cuts"][pointer]


def test_a_long_list_is_read_page_by_page(js: BrowserModules) -> None:
    large = {"a/b": [[n, "x" * 2000] for n in range(1000)]}
    found = shown(large)
    value, cuts = found["value"], dict(found["cuts"])
    while (start := len(at(value, "/a~1b"))) < cuts["/a~1b"]:
        page = part(large, "/a~1b", start)
        assert len(page["items"]) == min(PAGE, 1000 - start)
        value = js.call("rows.js", "extended", value, page["pointer"], page["start"], page["items"])
        cuts |= page["cuts"]
    assert [item[0] for item in at(value, "/a~1b")] == list(range(1000))
    assert js.call("rows.js", "extended", value, "/a~1b", 3, ["late"]) == value
    assert set(cuts) >= {"/a~1b/0/1", "/a~1b/999/1"} or "/a~1b/999/1" not in cuts
    with pytest.raises(LookupError):
        part(large, "/a~1b/0/1", 0)


def test_a_shape_counts_types_over_all_items(js: BrowserModules) -> None:
    shape = js.call("shape.js", "shapeOf", {"rows": [{"a": 1, "b": "x"}, {"a": None}, {"a": 1.5, "__proto__": True}]})
    rows = shape["fields"]["rows"]
    assert (rows["types"], rows["items"]["seen"]) == ({"list": 1}, 3)
    fields = rows["items"]["fields"]
    assert fields["a"] == {"seen": 3, "types": {"integer": 1, "null": 1, "number": 1}}
    assert fields["b"]["seen"] == 1
    assert js.call("shape.js", "typesOf", {"types": {"null": 1, "text": 3}}) == "text or null"


def test_names_and_values_are_searched(js: BrowserModules) -> None:
    value = {"Name": "Ada", "rows": [{"name": "Grace", "n": 12}, {"other": "ADAM"}], "no": None, "12": True}
    found = js.call("searching.js", "matching", value, " ada")
    assert found == {"matches": [{"path": ["Name"], "value": "Ada"}, {"path": ["rows", 1, "other"], "value": "ADAM"}], "more": False}
    assert [match["path"] for match in js.call("searching.js", "matching", value, "12")["matches"]] == [["12"], ["rows", 0, "n"]]
    assert [match["path"] for match in js.call("searching.js", "matching", value, "name")["matches"]] == [["Name"], ["rows", 0, "name"]]
    assert js.call("searching.js", "matching", value, " ")["matches"] == []
    assert js.call("searching.js", "matching", ["x"] * 300, "x", 100)["more"]
    assert [js.call("searching.js", "isSmall", part) for part in (value, "text", list(range(500)))] == [True, True, False]


def test_what_is_stored_apart_is_put_where_it_belongs() -> None:
    assert put(None, "", [1]) == [1]
    assert put({"a/b": [None, 2]}, "/a~1b/0", {"x": 1}) == {"a/b": [{"x": 1}, 2]}
    with pytest.raises(LookupError):
        put({"a": 1}, "/b/c", 1)


@given(VALUES)
def test_every_value_has_a_shape_a_table_or_none_and_no_difference_from_itself(js: BrowserModules, value: Any) -> None:
    assert js.call("shape.js", "shapeOf", value)["seen"] == 1
    table = js.call("rows.js", "tabular", value)
    assert (table is None) == (not isinstance(value, list | dict))
    if table:
        assert all(len(row) == len(table["columns"]) for row in table["rows"])
    assert js.call("difference.js", "difference", value, value) == {"changes": [], "more": False}


@given(VALUES, VALUES)
def test_two_values_differ_where_they_are_not_equal(js: BrowserModules, before: Any, after: Any) -> None:
    plain = js.call("difference.js", "difference", before, after)["changes"]
    back = js.call("difference.js", "difference", after, before)["changes"]
    assert bool(plain) == (repr(before) != repr(after)) or before == after
    assert len(plain) == len(back)
    turned = {"added": "removed", "removed": "added", "changed": "changed"}
    assert {(c["path"], turned[c["change"]]) for c in plain} == {(c["path"], c["change"]) for c in back}


def test_tables_of_rows_and_differences_by_path(js: BrowserModules) -> None:
    rows = [{"id": 1, "name": "a"}, {"id": 2, "more": [1]}]
    table = js.call("rows.js", "tabular", {"items": rows, "total": 2})
    assert (table["pointer"], table["columns"]) == ("/items", ["id", "name", "more"])
    assert js.call("rows.js", "tabular", {"a": 1})["rows"] == [["a", 1]]
    found = js.call("difference.js", "difference", {"a": [{"b c": 1}], "x": 1}, {"a": [{"b c": 2}, 3]})
    assert found["changes"] == [
        {"path": 'a[0]["b c"]', "change": "changed", "before": 1, "after": 2},
        {"path": "a[1]", "change": "added", "after": 3},
        {"path": "x", "change": "removed", "before": 1},
    ]
    assert js.call("difference.js", "difference", list(range(300)), [], 10)["more"]
    [change] = js.call("difference.js", "difference", {"id": 2**60}, {"id": 2**60 + 1})["changes"]
    assert (change["before"], change["after"]) == (2**60, 2**60 + 1)  # which are the same as doubles


def test_items_are_listed_by_their_last_attempts(js: BrowserModules) -> None:
    steps: list[dict[str, Any]] = [{"id": "w", "item": None, "status": "failed", "attempt": 1}]
    steps += [{"id": f"{item}-1", "item": item, "status": "failed", "attempt": 1, "error": {"message": "no"}} for item in (1, 0)]
    steps += [{"id": "1-2", "item": 1, "status": "succeeded", "attempt": 2, "duration_ms": 3}]
    found = js.call("rows.js", "itemsOf", steps)
    assert [(one["step"], one["status"], one["attempts"]) for one in found["list"]] == [("0-1", "failed", 1), ("1-2", "succeeded", 2)]
    assert found["failed"] == 1


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"every_s": 300}, "every 5 minutes"),
        ({"every_s": 3600}, "every hour"),
        ({"every_s": 90}, "every 90 seconds"),
        ({"cron": "0 9 * * 1-5", "timezone": "Europe/Berlin"}, "weekdays 9:00 Europe/Berlin"),
        ({"cron": "0 0 9 * * MON"}, "every Monday 9:00"),
        ({"cron": "*/15 * * * *"}, "every 15 minutes"),
        ({"cron": "*/7 * * * *"}, "*/7 * * * *"),
        ({"cron": "30 8,17 * * 0,6"}, "weekends 8:30, 17:30"),
        ({"cron": "5 */6 * * *"}, "every 6 hours at :05"),
        ({"cron": "0 3 1 * *"}, "on day 1 of each month, 3:00"),
        ({"cron": "0 9 * * 1#2"}, "0 9 * * 1#2"),
        ({}, ""),
    ],
)
def test_a_schedule_in_words(js: BrowserModules, config: dict[str, Any], said: str) -> None:
    assert js.call("schedule.js", "scheduleText", config) == said
    assert schedule_words(config.get("cron", ""), config.get("every_s", 0), config.get("timezone", "")) == said
    if said:
        assert js.call("summary.js", "summary", {"type": "trigger.schedule"}, {"type": "trigger.schedule", "config": config}) == said


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"path": "leads", "respond": "node"}, "/leads"),
        ({"respond": "node"}, "Starts when its URL is called"),
        ({"auth": {"kind": "github"}}, "Starts when its URL is called"),
        ({"once": "{{ payload.id }}"}, "payload.id"),
        ({"fields": {"name": 1, "score": 2}}, "name, score"),
    ],
)
def test_a_card_says_what_its_node_is_set_to_do(js: BrowserModules, config: dict[str, Any], said: str) -> None:
    fields = {"path": {}, "once": {}, "auth": {}, "fields": {"additionalProperties": True}, "respond": {"enum": ["immediately", "node"]}}
    webhook = {
        "summary": "/{path}",
        "description": "Starts when its URL is called. The call's body.",
        "config_schema": {"properties": fields},
    }
    assert js.call("summary.js", "summary", webhook, {"type": "trigger.webhook", "config": config}) == said
    request = {**webhook, "config_schema": {"properties": {"url": {}, "body": {}}, "required": ["url"]}}
    assert js.call("summary.js", "summary", request, {"type": "http.request", "config": {"body": {"content": "x"}}}) == "Not set up yet"
    order = {"by": {}, "items": {}, "order": {"default": "ascending"}}
    sort = {**webhook, "summary": "{by}, {order}", "config_schema": {"properties": order, "required": ["items"]}}
    whole = {"items": "{{ payload }}"}
    for has, says in (
        ({}, "Not set up yet"),
        (whole, "ascending"),
        ({**whole, "by": "price"}, "price, ascending"),
        ({"by": "price"}, "price, ascending"),
    ):
        assert js.call("summary.js", "summary", sort, {"type": "list.sort", "config": has}) == says


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.5, "for 0.5 s"),
        (59, "for 59 s"),
        (90, "for 1 min 30 s"),
        (7199.9, "for 2 h"),
        (90_000, "for 1 day 1 h"),
        (604_800, "for 7 days"),
        ("{{ payload.n }}", "for payload.n s"),
    ],
)
def test_a_card_says_seconds_as_people_do(js: BrowserModules, seconds: Any, said: str) -> None:
    kind = {"summary": "for {pause_s}", "description": "Waits.", "config_schema": {"properties": {"pause_s": {}}}}
    assert js.call("summary.js", "summary", kind, {"type": "wait", "config": {"pause_s": seconds}}) == said
    assert js.call("summary.js", "summary", {**kind, "summary": None}, {"type": "wait", "config": {"pause_s": 5}}) == "Waits"


@pytest.mark.parametrize(
    ("ms", "said"),
    [
        (0.4, "< 1 ms"),
        (999.6, "1.0 s"),
        (9960, "10 s"),
        (59_400, "59 s"),
        (59_700, "1 min 0 s"),
        (119_700, "2 min 0 s"),
        (7_199_800, "2 h 0 min"),
    ],
)
def test_a_duration_is_rounded_into_the_next_unit(js: BrowserModules, ms: float, said: str) -> None:
    assert js.call("summary.js", "duration", ms) == said


@pytest.mark.parametrize(
    ("attempt", "wait", "said"),
    [
        (1, {"due": "2030-01-01T12:00:00Z"}, "Waits until "),
        (1, {"due": "2030-01-01T12:00:00Z", "answer": "approval"}, "Waits for a decision until "),
        (2, {"answer": "webhook"}, "Waits for a call"),
        (3, {"due": "2030-01-01T12:00:00Z"}, "Tries again at "),
        (2, {"due": "2030-01-01T12:00:00Z", "reason": "rate limited until 2030-01-01T12:00:00Z"}, "Rate limited until "),
    ],
)
def test_what_a_node_waits_for_in_words(js: BrowserModules, attempt: int, wait: dict[str, Any], said: str) -> None:
    now = 1893499190000  # ten seconds before that noon
    text = js.call("summary.js", "waitText", {"attempt": attempt, "wait": wait}, now)
    assert text.startswith(said)
    assert (":00:00" in text) == ("due" in wait)


def test_items_without_steps_of_their_own_are_told_from_the_output(js: BrowserModules) -> None:
    output: list[Any] = [{"n": 1}, {"error": {"type": "ExpressionError", "message": "no"}}, {"error": "a field of that name"}, None]
    found = js.call("rows.js", "itemsOfOutput", output)
    assert [one["status"] for one in found["list"]] == ["succeeded", "failed", "succeeded", "succeeded"]
    assert (found["failed"], found["list"][1]["error"]) == (1, "no")
    whole = {"id": "s", "item": None, "status": "succeeded"}
    one = js.call("rows.js", "itemOfOutput", whole, {"output": {"value": output}}, 1)
    assert (one["step"]["status"], one["step"]["error"]["message"], one["found"]["output"]["value"]) == ("failed", "no", None)


@given(st.text(alphabet="ab01 \n\"'#=(){}[]:.fr\\/*`", max_size=60), st.sampled_from(["python", "javascript", "json", "other"]))
def test_coloured_code_is_the_code(js: BrowserModules, code: str, language: str) -> None:
    assert "".join(part["text"] for part in js.call("highlight.js", "tokens", code, language)) == code


def test_code_is_coloured_by_what_it_is(js: BrowserModules) -> None:
    code = 'def f(x):  # why\n    return f\'{x}\' + "a\\"b" + 0x1F or None'
    kinds = [(part["text"], part["kind"]) for part in js.call("highlight.js", "tokens", code, "python") if part["kind"]]
    assert kinds == [
        *[("def", "keyword"), ("f", "call"), ("# why", "comment"), ("return", "keyword"), ("f'{x}'", "string")],
        *[('"a\\"b"', "string"), ("0x1F", "number"), ("or", "keyword"), ("None", "constant")],
    ]
