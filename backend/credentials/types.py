"""The kinds of credentials and their fields. Secret fields are `writeOnly`: they are taken and never given back."""

from typing import Any

from jsonschema import Draft202012Validator

from trestle.contracts.base import JsonObject
from trestle.contracts.credentials import CredentialType

_MAX = 65_536


def _kind(name: str, title: str, description: str, /, **fields: JsonObject) -> CredentialType:
    schema: JsonObject = {
        "type": "object",
        "properties": {field: {"type": "string", "minLength": 1, "maxLength": _MAX, **rest} for field, rest in fields.items()},
        "required": list(fields),
        "additionalProperties": False,
    }
    return CredentialType(name=name, title=title, description=description, fields_schema=schema)


TYPES = {
    kind.name: kind
    for kind in (
        _kind(
            "bearer",
            "Bearer token",
            "Sent as `Authorization: Bearer …`.",
            token={"title": "Token", "writeOnly": True},
        ),
        _kind(
            "basic",
            "Name and password",
            "HTTP basic authentication.",
            username={"title": "Name", "pattern": "^[^:]*$"},
            password={"title": "Password", "writeOnly": True, "minLength": 0},
        ),
        _kind(
            "header",
            "Header",
            "A header of your choice, as many APIs want it.",
            name={"title": "Header", "examples": ["X-API-Key"], "pattern": "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$"},
            value={"title": "Value", "writeOnly": True},
        ),
    )
}
"""Every type by name."""

VALIDATORS = {name: Draft202012Validator(kind.fields_schema) for name, kind in TYPES.items()}


def secret_fields(kind: CredentialType) -> set[str]:
    """The fields that are never given back."""
    properties: dict[str, Any] = kind.fields_schema["properties"]
    return {name for name, schema in properties.items() if schema.get("writeOnly")}
