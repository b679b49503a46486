"""The kinds of credentials and their fields. Secret fields are `writeOnly`: they are taken and never given back."""

from collections.abc import Sequence
from typing import Any

from jsonschema import Draft202012Validator

from backend.triggers.tokens import SHARED, SIGNED
from trestle.contracts.base import JsonObject
from trestle.contracts.credentials import OAUTH2, CredentialType

_MAX = 65_536
_SAFE_URL = r"^(https://|http://(localhost|127\.0\.0\.1|\[::1\])([:/]|$))[^\s#]*$"
"""Tokens never travel unencrypted, but on one machine."""


def _kind(
    name: str, title: str, description: str, /, *, optional: Sequence[str] = (), rules: JsonObject | None = None, **fields: JsonObject
) -> CredentialType:
    """`optional` fields may be left out; `rules` are more of JSON Schema, over the fields together."""
    schema: JsonObject = {
        "type": "object",
        "properties": {field: {"type": "string", "minLength": 1, "maxLength": _MAX, **rest} for field, rest in fields.items()},
        "required": [field for field in fields if field not in optional],
        "additionalProperties": False,
        **(rules or {}),
    }
    return CredentialType(name=name, title=title, description=description, fields_schema=schema)


_TEST_URL: JsonObject = {
    "title": "Address for the test",
    "pattern": "^https?://[^/]",
    "examples": ["https://api.example.com/me"],
    "description": "Testing the credential calls this with GET. Nothing else does",
}


def _needs(field: str, algorithms: Sequence[str]) -> JsonObject:
    """Exactly this field of the two, with one of these algorithms."""
    other = {"secret": "public_key", "public_key": "secret"}[field]
    return {"required": [field], "not": {"required": [other]}, "properties": {"algorithm": {"enum": list(algorithms)}}}


TYPES = {
    kind.name: kind
    for kind in (
        _kind(
            "bearer",
            "Bearer token",
            "Sent as `Authorization: Bearer …`",
            optional=("test_url",),
            token={"title": "Token", "writeOnly": True},
            test_url=_TEST_URL,
        ),
        _kind(
            "basic",
            "Name and password",
            "HTTP basic authentication.",
            optional=("test_url",),
            username={"title": "Name", "pattern": "^[^:]*$"},
            password={"title": "Password", "writeOnly": True, "minLength": 0},
            test_url=_TEST_URL,
        ),
        _kind(
            "header",
            "Header",
            "A header of your choice, as many APIs want it.",
            optional=("test_url",),
            name={"title": "Header", "examples": ["X-API-Key"], "pattern": "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$"},
            value={"title": "Value", "writeOnly": True},
            test_url=_TEST_URL,
        ),
        _kind(
            "jwt",
            "JSON Web Token",
            "Verifies the tokens of a webhook's callers, with one algorithm: by a shared secret, or by the issuer's public key.",
            optional=("secret", "public_key"),
            rules={"oneOf": [_needs("secret", SHARED), _needs("public_key", SIGNED)]},
            algorithm={
                "title": "Algorithm",
                "enum": [*SHARED, *SIGNED],
                "default": SHARED[0],
                "description": "HS… goes with a secret, all others with a public key",
            },
            secret={"title": "Secret", "writeOnly": True, "description": "For HS256, HS384 and HS512"},
            public_key={
                "title": "Public key",
                "pattern": "-----BEGIN [A-Z ]*PUBLIC KEY-----",
                "x-multiline": True,
                "examples": ["-----BEGIN PUBLIC KEY-----"],
                "description": "In PEM, for all other algorithms",
            },
        ),
        _kind(
            "hmac",
            "Signing secret",
            "Verifies the signatures of a webhook's calls, as GitHub, Stripe and others send them.",
            optional=("previous_secret",),
            secret={"title": "Secret", "writeOnly": True},
            previous_secret={
                "title": "Previous secret",
                "writeOnly": True,
                "description": "Stays valid as well, while the sender is changed over",
            },
        ),
        _kind(
            OAUTH2,
            "OAuth2",
            "Signs in at a provider such as Google, Microsoft or GitHub, and renews its tokens by itself. Sent as a bearer token.",
            optional=("grant", "authorization_url", "client_secret", "scopes", "audience", "extra", "client_auth", "revocation_url"),
            rules={
                "oneOf": [
                    {"properties": {"grant": {"enum": ["authorization_code"]}}, "required": ["authorization_url"]},
                    {"properties": {"grant": {"enum": ["client_credentials"]}}, "not": {"required": ["authorization_url"]}},
                ],
                "anyOf": [{"required": ["authorization_url"]}, {"required": ["grant", "client_secret"]}],
            },
            grant={
                "title": "Who signs in",
                "enum": ["authorization_code", "client_credentials"],
                "default": "authorization_code",
                "x-labels": {"authorization_code": "A person, with Connect", "client_credentials": "The client itself, without a person"},
            },
            authorization_url={
                "title": "Authorization URL",
                "pattern": _SAFE_URL,
                "examples": ["https://accounts.google.com/o/oauth2/v2/auth"],
                "description": "Where the person agrees, with https",
            },
            token_url={
                "title": "Token URL",
                "pattern": _SAFE_URL,
                "examples": ["https://oauth2.googleapis.com/token"],
                "description": "Where Trestle gets the tokens, with https",
            },
            client_id={"title": "Client ID"},
            client_secret={"title": "Client secret", "writeOnly": True, "description": "Left out only where the provider gives none"},
            scopes={
                "title": "Scopes",
                "pattern": r"^[\x21\x23-\x5b\x5d-\x7e ]*$",
                "examples": ["openid email https://www.googleapis.com/auth/spreadsheets"],
                "description": "What the tokens may do, separated by spaces",
            },
            audience={"title": "Audience", "description": "The API that the tokens are for, where the provider asks for one"},
            extra={
                "title": "More parameters",
                "pattern": r"^[^?#\s]*$",
                "examples": ["access_type=offline&prompt=consent"],
                "description": "Of the authorization URL, as in an address. Google: access_type=offline&prompt=consent",
            },
            client_auth={
                "title": "Client signs in by",
                "enum": ["basic", "body"],
                "default": "basic",
                "x-labels": {"basic": "Header (basic authentication)", "body": "Fields of the request's body"},
                "description": "What most providers take is the header",
            },
            revocation_url={
                "title": "Revocation URL",
                "pattern": _SAFE_URL,
                "examples": ["https://oauth2.googleapis.com/revoke"],
                "description": "Disconnecting ends the tokens there (RFC 7009), with https. Without it, people do so at the provider",
            },
        ),
    )
}
"""Every type by name."""

VALIDATORS = {name: Draft202012Validator(kind.fields_schema) for name, kind in TYPES.items()}


def secret_fields(kind: CredentialType) -> set[str]:
    """The fields that are never given back."""
    properties: dict[str, Any] = kind.fields_schema["properties"]
    return {name for name, schema in properties.items() if schema.get("writeOnly")}
