"""`{"name", "definition": {"steps": [...]}}`: a list of http_request_node and filter_node, one after another."""

from typing import Any

from backend.errors import Unprocessable
from backend.importing.conditions import condition
from backend.importing.requests import http_request
from backend.importing.sheet import Sheet
from trestle.contracts.base import JsonObject
from trestle.contracts.graph import MAX_NODES

_HTTP = ("method", "url", "headers", "json_body")


def is_one(value: Any) -> bool:
    """Whether this is such a list."""
    definition = value.get("definition") if isinstance(value, dict) and "trestle" not in value else None
    return isinstance(definition, dict) and isinstance(definition.get("steps"), list)


def drawn(value: JsonObject, name: str) -> Sheet:
    """The chain of steps behind a webhook. What passes a filter goes on. Raises Unprocessable where it is too large."""
    steps: list[Any] = value["definition"]["steps"]
    if len(steps) >= MAX_NODES:
        raise Unprocessable(f"The list has {len(steps):,} steps, and a workflow at most {MAX_NODES} nodes with its trigger.")
    sheet = Sheet(name)
    last = sheet.add("hook", "trigger.webhook", {}, name="Webhook")
    for place, step in enumerate(steps):
        path = f"definition.steps.{place}"
        if not isinstance(step, dict):
            sheet.lose(path, "A step is an object.")
            continue
        key = _step(sheet, path, place, step)
        sheet.connect(path, last, key)
        last = key
    sheet.lose_others(value["definition"], ("steps",), "definition")
    sheet.lose_others(value, ("name", "description", "definition"), "")
    return sheet


def _step(sheet: Sheet, path: str, place: int, step: JsonObject) -> str:
    kind = str(step.get("type") or "")
    config = step.get("config")
    if not isinstance(config, dict):
        if config is not None:
            sheet.lose(f"{path}.config", "This is no object.")
        config = {}
    where = f"{path}.config"
    if kind == "http_request_node":
        type_, drawn_config, word = "http.request", http_request(sheet, where, config, body="json_body"), "request"
        sheet.lose_others(config, _HTTP, where)
    elif kind == "filter_node":
        type_, drawn_config, word = "filter", {"condition": condition(sheet, f"{where}.condition", config.get("condition"))}, "filter"
        sheet.lose_others(config, ("condition",), where)
    else:
        sheet.lose(f"{path}.type", f"There is no counterpart to “{kind}”. Its place is kept: put another node there.")
        type_, drawn_config, word = kind, config, kind
    sheet.lose_others(step, ("type", "config", "id", "name"), path)
    return sheet.add(str(step.get("id") or f"{word} {place + 1}"), type_, drawn_config, name=step.get("name"))
