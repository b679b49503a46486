"""Signed webhooks: HMAC with SHA-256 over the raw body, as different senders write it.

Every function answers whether a call is signed by who knows the secret. What is missing, malformed or too old is not.
Where the sender signs the time as well, a call may be five minutes old, or its sender's clock so much ahead.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from backend.triggers.payload import Headers, header

WINDOW_S = 300
SIGNATURE_HEADER = "X-Signature"
"""Where the scheme `hmac` looks unless its webhook says otherwise."""

_DIGEST_BYTES = 32
_MAX_SIGNATURES = 20


@dataclass(frozen=True, slots=True)
class Call:
    """What came in: the body as it was sent, and when (Unix time)."""

    headers: Headers
    body: bytes
    now: float


def plain(secret: Mapping[str, Any], auth: Mapping[str, Any], call: Call) -> bool:
    """`X-Signature` (or `auth.header`): hex or base64, with or without `sha256=`.

    With `auth.timestamp_header` that header holds the Unix time of sending, and the signature is over `<time>.<body>`.
    """
    given = _decoded(header(call.headers, _name(auth.get("header") or SIGNATURE_HEADER)))
    signed = call.body
    if auth.get("timestamp_header"):
        sent_at = header(call.headers, _name(auth["timestamp_header"])).strip()
        if not _recent(sent_at, call.now):
            return False
        signed = sent_at.encode() + b"." + signed
    return given is not None and _signed(_texts(secret), signed, [given])


def github(secret: Mapping[str, Any], auth: Mapping[str, Any], call: Call) -> bool:
    """`X-Hub-Signature-256: sha256=<hex>`."""
    given = header(call.headers, b"x-hub-signature-256")
    digest = _from_hex(given.removeprefix("sha256="))
    return given.startswith("sha256=") and digest is not None and _signed(_texts(secret), call.body, [digest])


def stripe(secret: Mapping[str, Any], auth: Mapping[str, Any], call: Call) -> bool:
    """`Stripe-Signature: t=<time>,v1=<hex>,…` over `<time>.<body>`."""
    parts = [part.strip().partition("=") for part in header(call.headers, b"stripe-signature").split(",")]
    times = [value for name, _, value in parts if name == "t"]
    given = [digest for name, _, value in parts[:_MAX_SIGNATURES] if name == "v1" and (digest := _from_hex(value)) is not None]
    if len(times) != 1 or not _recent(times[0], call.now):
        return False
    return _signed(_texts(secret), times[0].encode() + b"." + call.body, given)


def standard(secret: Mapping[str, Any], auth: Mapping[str, Any], call: Call) -> bool:
    """Standard Webhooks: `webhook-id`, `webhook-timestamp`, `webhook-signature: v1,<base64> …` over `<id>.<time>.<body>`.

    Secrets are base64, behind `whsec_`. A dot in the id could move the borders of what is signed: there is none.
    """
    ident, sent_at = header(call.headers, b"webhook-id"), header(call.headers, b"webhook-timestamp")
    if not ident or "." in ident or not _recent(sent_at, call.now):
        return False
    signatures = header(call.headers, b"webhook-signature").split(" ")[:_MAX_SIGNATURES]
    given = [digest for text in signatures if text.startswith("v1,") and (digest := _from_base64(text[3:])) is not None]
    keys = [key for text in _texts(secret) if (key := _from_base64(text.decode("latin-1").removeprefix("whsec_")))]
    return _signed(keys, f"{ident}.{sent_at}.".encode("latin-1") + call.body, given)


def _signed(keys: Iterable[bytes], signed: bytes, given: list[bytes]) -> bool:
    """Whether one of the signatures is made with one of the keys. Each pair is compared, whatever the others say."""
    fits = False
    for key in keys:
        wanted = hmac.new(key, signed, hashlib.sha256).digest()
        for digest in given:
            fits |= hmac.compare_digest(digest, wanted)
    return fits


def _texts(secret: Mapping[str, Any]) -> list[bytes]:
    """The live secrets: the current one, and the one before while senders are changed over."""
    values = (secret.get("secret"), secret.get("previous_secret"))
    return [value.encode() for value in values if isinstance(value, str) and value]


def _recent(sent_at: str, now: float) -> bool:
    return sent_at.isascii() and sent_at.isdecimal() and len(sent_at) <= 12 and abs(now - int(sent_at)) <= WINDOW_S


def _name(text: Any) -> bytes:
    return str(text).lower().encode("latin-1", "replace")


def _decoded(text: str) -> bytes | None:
    text = text.strip()
    if text[:7].lower() == "sha256=":
        text = text[7:]
    return _from_hex(text) or _from_base64(text)


def _from_hex(text: str) -> bytes | None:
    try:
        found = bytes.fromhex(text)
    except ValueError:
        return None
    return found if len(found) == _DIGEST_BYTES and len(text) == 2 * _DIGEST_BYTES else None


def _from_base64(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
