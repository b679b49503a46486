"""n8n's Set (Edit Fields), from the first version to the newest."""

from dataclasses import replace
from typing import Any

from backend.importing.n8n.flow import Flow
from backend.importing.n8n.parameters import Made, Parameters, parsed, word
from trestle.contracts.base import JsonObject

_FIRST = ("string", "number", "boolean")
_THIRD = 3
_DEEPEST = 20
_OF_RESPONSE = frozenset({"status", "headers", "body"})


def set_fields(given: Parameters) -> Made:
    """Fields with a value each, from scratch or on top of what comes in."""
    options = given.options("dotNotation", "ignoreConversionErrors", "includeBinary", "stripBinary")
    if "values" in given.values or (given.version and given.version < _THIRD):
        fields, kept = _of_first(given), given.get("keepOnlySet") is not True
    elif given.get("mode", "manual") == "raw":
        fields, kept = _raw(given), _others(given)
    else:
        fields, kept = _assigned(given), _others(given)
    given.get("duplicateItem")
    if given.values.get("duplicateItem") is True:
        given.lose("duplicateItem", "Items are not doubled here.")
    config: JsonObject = {"fields": fields if options.get("dotNotation") is False else _nested(given, fields, kept)}
    if not kept:
        return Made(config)
    config["keep_input"] = True
    return Made(config, _on_top(given.taken, frozenset(config["fields"])))


def _of_first(given: Parameters) -> JsonObject:
    """`values: {string: [{name, value}], number: […], boolean: […]}`."""
    fields: JsonObject = {}
    for kind in _FIRST:
        for place, entry in enumerate(given.entries("values", kind)):
            usual = {"string": "", "number": 0, "boolean": False}[kind]
            fields |= _field(given, f"values.{kind}.{place}", entry.get("name", "propertyName"), entry.get("value", usual))
    return fields


def _assigned(given: Parameters) -> JsonObject:
    """`assignments: {assignments: [{name, value, type}]}`, and before that `fields: {values: [{name, type, stringValue}]}`."""
    fields: JsonObject = {}
    for place, entry in enumerate(given.entries("assignments", "assignments")):
        fields |= _field(given, f"assignments.assignments.{place}", entry.get("name"), _typed(entry.get("value"), entry.get("type")))
    for place, entry in enumerate(given.entries("fields", "values")):
        name = word(entry.get("type"), "stringValue")
        kind = str(name).removesuffix("Value")
        fields |= _field(given, f"fields.values.{place}", entry.get("name"), _typed(entry.get(name, ""), kind))
    return fields


def _field(given: Parameters, place: str, name: Any, value: Any) -> JsonObject:
    if not isinstance(name, str) or not name.strip():
        return {}
    if name.startswith("="):
        given.lose(f"{place}.name", "The name of a field is no expression here. Write it anew.")
    return {name: given.read.carried(f"{given.path}.{place}.value", value)}


def _typed(value: Any, kind: Any) -> Any:
    """The value of a field, which stands there as a text often."""
    if isinstance(value, str) and kind in ("number", "boolean", "array", "object"):
        try:
            return parsed(value)
        except ValueError:
            return value
    return value


def _raw(given: Parameters) -> JsonObject:
    text = given.get("jsonOutput", "")
    try:
        value = parsed(text) if isinstance(text, str) else text
    except ValueError:
        value = None
    if not isinstance(value, dict):
        given.lose("jsonOutput", "This text can't be read as a JSON object. Write its fields anew, as names with a value each.")
        return {}
    fields: JsonObject = given.read.carried(f"{given.path}.jsonOutput", value)
    return fields


def _others(given: Parameters) -> bool:
    """Whether the fields of the input stay."""
    which = given.get("include", "all" if given.get("includeOtherFields") is True else "none")
    if which in ("selected", "except"):
        given.lose("include", "All fields of the input stay here, or none. Name those that you want.")
        for name in ("includeFields", "excludeFields"):
            given.get(name)
    if "includeOtherFields" in given.values:
        return given.values["includeOtherFields"] is True
    # Before there was that switch, all of them stayed unless one said otherwise.
    return which != "none" if "include" in given.values else 3 <= given.version < 3.3


def _nested(given: Parameters, fields: JsonObject, kept: bool) -> JsonObject:
    """Dots in names lead inwards there: `a.b` is the field b of a."""
    found: JsonObject = {}
    for name, value in fields.items():
        if name.count(".") > _DEEPEST:
            given.lose("fields", f"Fields are not set more than {_DEEPEST} levels deep: “{name[:100]}” is one name now.")
            found[name] = value
            continue
        holder, (*outer, last) = found, name.split(".")
        for part in outer:
            inner = holder.setdefault(part, {})
            if not isinstance(inner, dict):
                inner = holder[part] = {}
            holder = inner
        holder[last] = value
        if outer and kept:
            given.lose(name, f"“{outer[0]}” is set as a whole here: what else the input has in it doesn't stay.")
    return found


def _on_top(taken: Flow, names: frozenset[str]) -> Flow:
    """What comes out where the input stays. A response stays with its status and headers here."""
    if taken.kind == "plain":
        return taken
    if taken.kind == "unsure" or (taken.kind != "webhook" and names & _OF_RESPONSE):
        return replace(taken, kind="unsure", added=taken.added | names)
    return replace(taken, added=taken.added | names)
