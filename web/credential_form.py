"""The form of a credential: drawn from its type's JSON Schema, and read back into the API's `data`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import TypeAdapter, ValidationError

from trestle.contracts.base import JsonObject
from trestle.contracts.credentials import Host

DATA, DROP = "data.", "drop."
"""Prefixes of the form's names: of the type's fields, and of the boxes that take a kept secret away."""

_HOST: TypeAdapter[str] = TypeAdapter(Host)


@dataclass
class Option:
    """One of a field's values."""

    value: str
    label: str


@dataclass
class Blank:
    """One field of the form. `input` is the HTML input's type, or "choice" (of `options`), or "lines". A secret's value is never in it:
    `is_kept` says that there is one, `may_drop` that it may be taken away."""

    name: str
    label: str
    help: str
    input: str
    required: bool
    value: str
    placeholder: str
    options: list[Option] = field(default_factory=list)
    is_kept: bool = False
    may_drop: str = ""


def chosen(schema: JsonObject, fields: Mapping[str, Any]) -> dict[str, str]:
    """What is chosen in the fields that have a list of values, by the fields' names."""
    properties = schema.get("properties", {}).items()
    return {name: str(fields.get(name, of.get("default", of["enum"][0]))) for name, of in properties if "enum" in of}


def blanks(schema: JsonObject, fields: JsonObject, set_fields: Sequence[str], choices: Mapping[str, str]) -> list[Blank]:
    """The form of a type's JSON Schema. `fields` are the known values; `set_fields` names what already has one, secret or not.

    Where the schema has alternatives (`oneOf`), those fields are left out that don't go with `choices`.
    """
    required, left_out = _required(schema, choices), _left_out(schema, choices)
    made = []
    for name, of in schema.get("properties", {}).items():
        if name in left_out:
            continue
        secret, is_set = bool(of.get("writeOnly")), name in set_fields
        needed = name in required
        made.append(
            Blank(
                name=DATA + name,
                label=str(of.get("title", name)),
                help=str(of.get("description", "")),
                input=_input(of),
                required=needed and not (secret and is_set),
                value="" if secret else choices.get(name) or str(fields.get(name, of.get("default", ""))),
                placeholder="Set. Type to replace it" if secret and is_set else next(map(str, of.get("examples", [])), ""),
                options=[Option(str(value), str(of.get("x-labels", {}).get(value, value))) for value in of.get("enum", [])],
                is_kept=secret and is_set,
                may_drop=DROP + name if secret and is_set and not needed else "",
            )
        )
    return made


def filled(schema: JsonObject, form: Mapping[str, Any], set_fields: Sequence[str], choices: Mapping[str, str]) -> JsonObject:
    """The `data` of a submitted form, numbers as numbers.

    What was left empty is left out, so that it stays as it is. Null, which takes a value away, stands for what is kept and no longer
    wanted: a plain field that was emptied, a secret whose box says so, and fields that don't go with `choices`.
    """
    left_out = _left_out(schema, choices)
    data: JsonObject = {}
    for name, of in schema.get("properties", {}).items():
        text = "" if name in left_out else choices.get(name) or str(form.get(DATA + name, ""))
        kind, dropped = of.get("type"), bool(form.get(DROP + name))
        if text:
            data[name] = int(text) if kind == "integer" else float(text) if kind == "number" else text
        elif name in set_fields and (name in left_out or dropped or not of.get("writeOnly")):
            data[name] = None
    return data


def _input(of: JsonObject) -> str:
    if "enum" in of:
        return "choice"
    if of.get("x-multiline"):
        return "lines"
    return "password" if of.get("writeOnly") else "number" if of.get("type") in ("integer", "number") else "text"


def _alternative(schema: JsonObject, choices: Mapping[str, str]) -> JsonObject:
    """The one of the schema's alternatives that the choices belong to."""
    for one in schema.get("oneOf", []):
        if all(choices.get(name, of["enum"][0]) in of["enum"] for name, of in one.get("properties", {}).items() if "enum" in of):
            return dict(one)
    return {}


def _required(schema: JsonObject, choices: Mapping[str, str]) -> set[str]:
    return {*schema.get("required", []), *_alternative(schema, choices).get("required", [])}


def _left_out(schema: JsonObject, choices: Mapping[str, str]) -> set[str]:
    """What other alternatives ask for and this one doesn't."""
    asked = {name for one in schema.get("oneOf", []) for name in one.get("required", [])}
    return asked - _required(schema, choices)


def hosts_of(text: str) -> list[str]:
    """Host names, separated by commas, spaces or lines."""
    return text.replace(",", " ").split()


def wrong_host(hosts: list[str]) -> str:
    """What is wrong with the first thing in the list that is no host name; empty where all are."""
    for host in hosts:
        try:
            _HOST.validate_python(host)
        except ValidationError:
            return f"“{host}” is not a host name. Write it like api.example.com, or *.example.com for all below that."
    return ""
