"""The form of a credential: drawn from its type's JSON Schema, and read back into the API's `data`."""

from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError

from trestle.contracts.base import JsonObject
from trestle.contracts.credentials import Host

DATA = "data."
"""Prefix of the form's names for the fields of the type, beside the credential's own."""

_HOST: TypeAdapter[str] = TypeAdapter(Host)


@dataclass
class Blank:
    """One field of the form. `input` is the HTML input's type; `value` is empty for secrets, always."""

    name: str
    label: str
    help: str
    input: str
    required: bool
    value: str
    placeholder: str


def blanks(schema: JsonObject, fields: JsonObject, set_fields: list[str]) -> list[Blank]:
    """The form of a type's JSON Schema. `fields` are the known values; `set_fields` names what already has one, secret or not."""
    required = schema.get("required", [])
    made = []
    for name, of in schema.get("properties", {}).items():
        secret, is_set = bool(of.get("writeOnly")), name in set_fields
        made.append(
            Blank(
                name=DATA + name,
                label=str(of.get("title", name)),
                help=str(of.get("description", "")),
                input="password" if secret else "number" if of.get("type") in ("integer", "number") else "text",
                required=name in required and not is_set,
                value="" if secret else str(fields.get(name, of.get("default", ""))),
                placeholder="Set. Leave empty to keep it" if secret and is_set else "",
            )
        )
    return made


def filled(schema: JsonObject, form: dict[str, Any]) -> JsonObject:
    """The `data` of a submitted form: what was left empty is left out, numbers are numbers."""
    data: JsonObject = {}
    for name, of in schema.get("properties", {}).items():
        text = str(form.get(DATA + name, ""))
        if not text:
            continue
        kind = of.get("type")
        data[name] = int(text) if kind == "integer" else float(text) if kind == "number" else text
    return data


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
