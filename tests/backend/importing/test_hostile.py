"""Documents that somebody made to break the import: it answers at once, with a remark or a refusal."""

import json
import time
from typing import Any

import pytest

from backend.errors import Unprocessable
from backend.importing import service
from tests.backend.importing.n8n_kit import Converted, document, node

_SIZE = 200_000
_SOON_S = 10


def _set(name: str, value: Any, kind: str = "string") -> dict[str, Any]:
    return document([node("S", "set", {"assignments": {"assignments": [{"name": name, "value": value, "type": kind}]}}, 3.4)])


def _body(text: str) -> dict[str, Any]:
    return document(
        [node("H", "httpRequest", {"method": "POST", "url": "u", "sendBody": True, "specifyBody": "json", "jsonBody": text}, 4.2)]
    )


def _step(condition: str) -> dict[str, Any]:
    return {"name": "W", "definition": {"steps": [{"type": "filter_node", "config": {"condition": condition}}]}}


def _cases(*cases: dict[str, Any]) -> dict[str, Any]:
    return {"nodes": [{"id": "b", "type": "branch", "data": {"cases": list(cases)}}], "edges": []}


HOSTILE = {
    "braces": _set("a", "=" + "{{" * _SIZE),
    "spaces": _set("a", "={{ a" + " " * 8000 + "b }}"),
    "quotes": _body('="' + '\\"' * _SIZE),
    "braces in JSON": _body("=" + "{{" * _SIZE),
    "spaces in JSON": _body("={{ JSON.stringify(" + " " * 5000 + "x }}"),
    "deep JSON": _body('{"a":' * 300 + "1" + "}" * 300),
    "half a character": _body('{"a":"\\ud800"}'),
    "no number": _body('{"a":NaN}'),
    "dots": _set(".".join("a" * 1000), "1"),
    "outputs": document([node("S", "switch", {"rules": {"values": []}, "options": {"fallbackOutput": 10**9}}, 3.2)]),
    "labels": document([node("S", "switch", {"rules": {"values": [{"outputKey": "a"}] * 5000}}, 3.2)]),
    "version": document([node("S", "set", {}, 2**1024 - 1)]),
    "input": document([node("A", "manualTrigger"), node("M", "merge", {"mode": "chooseBranch", "useDataOfInput": "9" * 5000}, 3)], "A > M"),
    "number of a node": document([node("A", "manualTrigger")], **{"nodes." + "9" * 5000: 1}),
    "condition": _step("not " * 600 + "payload.a"),
    "path": _step("payload" + ".a" * 2000 + " > 1"),
    "number": _step("payload.a > 0x" + "f" * 8000),
    "text": _step("payload.a == '" + "\\'" * _SIZE),
    "braces in a condition": _step("{{" * _SIZE),
    "cases": _cases(*[{"label": "a", "condition": True}] * 4000),
    "delay": {"nodes": [{"id": "b", "type": "delay", "data": {"ms": "9" * 5000}}], "edges": []},
    "position": {"nodes": [{"id": "b", "type": "delay", "position": {"x": 2**1024 - 1, "y": 1e308}}], "edges": []},
}


@pytest.mark.parametrize("name", HOSTILE)
def test_it_is_read_at_once_and_can_be_answered(name: str) -> None:
    begun = time.process_time()
    new, sheet = service._read(None, json.dumps(HOSTILE[name]).encode(), "application/json")
    new.model_dump_json()
    json.dumps([loss.model_dump() for loss in sheet.unmapped], allow_nan=False).encode()
    assert time.process_time() - begun < _SOON_S


@pytest.mark.parametrize(
    "given",
    [
        {"nodes": [{"id": f"a{place}"} for place in range(501)], "edges": []},
        _cases({"label": "a", "condition": True, "next": ["b"] * 5001}),
    ],
)
def test_a_graph_that_is_too_large_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(Unprocessable, match=r"at most 500|more than 5,000"):
        service._read(None, json.dumps(given).encode(), "application/json")


def test_names_of_fields_are_never_expressions() -> None:
    given = document(
        [
            node("T", "manualTrigger"),
            node("Sort", "sort", {"sortFieldsUi": {"sortField": [{"fieldName": "{{ payload.secret }}"}]}}),
            node("Sum", "summarize", {"fieldsToSummarize": {"values": [{"field": "n"}]}, "fieldsToSplitBy": "={{ $json.group }}"}),
        ],
        "T > Sort",
        "Sort > Sum",
    )
    made = Converted(given)
    assert made.configs["sort"][1]["by"] == "{{ item }}"
    assert "group_by" not in made.configs["sum"][1]
    assert all(any("Check their names" in reason for reason in made.said_of(key)) for key in ("sort", "sum"))


def test_values_of_a_kind_are_read_as_it_and_literal_json_is_no_expression() -> None:
    read = {
        name: Converted(_set("a", value, kind)).configs["s"][1]["fields"]["a"]
        for name, value, kind in (
            ("list", "=[{{ $json.a }}, 2]", "array"),
            ("truth", "=true", "boolean"),
            ("object", '={"k": "{{ $json.k }}"}', "object"),
            ("alone", "={{ $json.x }}", "number"),
        )
    }
    assert read == {"list": ["{{ input.a }}", 2], "truth": True, "object": {"k": "{{ input.k }}"}, "alone": "{{ input.x }}"}
    body = Converted(_body('{"formula": "=SUM(A1)", "text": "={{ $json.id }}"}')).configs["h"][1]["body"]
    assert body == {"formula": "=SUM(A1)", "text": "={{ '{{' }} $json.id }}"}


def test_a_field_with_a_quote_in_its_name_is_matched_by_it() -> None:
    nodes = [node("A", "set"), node("B", "set"), node("M", "merge", {"mode": "combine", "fieldsToMatchString": "Customer's id"}, 3)]
    assert "one.get('Customer\\'s id')" in Converted(document(nodes, "A > M", "B > M:1")).configs["m"][1]["code"]


def test_a_filter_that_goes_on_with_nothing_and_what_guards_a_webhook_are_told() -> None:
    compared = {"leftValue": "={{ $json.a }}", "rightValue": "x", "operator": {"type": "string", "operation": "equals"}}
    nodes = [
        node("W", "webhook", {"path": "abc", "options": {"ipWhitelist": "192.0.2.1"}}, 2),
        node("F", "filter", {"conditions": {"conditions": [compared]}}, 2, alwaysOutputData=True),
    ]
    told = Converted(document(nodes, "W > F")).told
    assert "nodes.0.parameters.options.ipWhitelist" in told
    assert "nothing runs behind this node" in told["nodes.1.alwaysOutputData"]


def test_a_secret_that_is_written_out_is_told() -> None:
    def told(**pairs: str) -> list[str]:
        headers = {"parameters": [{"name": name.replace("_", "-"), "value": value} for name, value in pairs.items()]}
        query = {"parameters": [{"name": "api_key", "value": "={{ $json.key }}"}]}
        parameters = {
            "url": "https://x.example",
            "sendHeaders": True,
            "headerParameters": headers,
            "sendQuery": True,
            "queryParameters": query,
        }
        return [reason for reason in Converted(document([node("H", "httpRequest", parameters, 4.2)])).told.values() if "secret" in reason]

    [said] = told(Accept="text/plain", Authorization="Bearer abc")
    assert said.startswith("“Authorization” looks like a secret")
    assert told(Accept="text/plain", X_Api_Key="={{ $vars.KEY }}") == []


def test_no_more_is_told_than_somebody_reads() -> None:
    given = document([node("Odd", "httpRequest", {"url": "https://x.example", **{f"odd{number}": 1 for number in range(1500)}}, 4.2)])
    _, sheet = service._read(None, json.dumps(given).encode(), "application/json")
    assert len(sheet.unmapped) == 1001
    assert (sheet.unmapped[-1].where, sheet.unmapped[-1].reason) == ("The document", "And 500 more that are not listed here.")
