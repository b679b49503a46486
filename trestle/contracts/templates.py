"""Workflows to begin with, as callers see them."""

from trestle.contracts.base import JsonObject, JsonValue, Key, Model


class ToFill(Model):
    """What whoever uses a template fills in: at which node, and, where it is a credential, of which type."""

    node: Key
    what: str
    credential: str | None = None


class Template(Model):
    """A workflow to begin with. `document` is what POST /workflows/import takes; `sample` an input to try it with."""

    name: str
    title: str
    description: str
    group: str
    node_types: list[str]
    credential_types: list[str]
    fill_in: list[ToFill]
    sample: JsonValue = None
    document: JsonObject
