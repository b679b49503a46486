"""The tokens with which somebody outside answers a waiting step. Signed, and bound to (execution, node, item) and what they are for.

Backend and executor make the same token: the backend from its secret, the executor from the execution's `resume_key`, which
comes with a claim. A token says nothing about attempts: it holds before its wait begins, and for one answer.
"""

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

TokenKind = Literal["webhook", "approval"]
_KINDS: tuple[TokenKind, ...] = ("webhook", "approval")
_SIGNATURE_BYTES = 24


@dataclass(frozen=True, slots=True)
class Bearer:
    """What a token speaks for."""

    execution_id: UUID
    node: str
    item: int | None
    kind: TokenKind


def resume_key(secret: str, execution_id: UUID) -> str:
    """Hex: the key of one execution's tokens. `secret` is the backend's."""
    return hmac.new(secret.encode(), b"resume:" + execution_id.bytes, hashlib.sha256).hexdigest()


def token(key: str, bearer: Bearer) -> str:
    """The token, URL-safe. `key` is the execution's resume key."""
    item = b"" if bearer.item is None else str(bearer.item).encode()
    body = b"|".join((bearer.execution_id.bytes.hex().encode(), bearer.kind.encode(), item, bearer.node.encode()))
    return _encode(body + _signature(key, body))


def read(secret: str, text: str) -> Bearer | None:
    """What a token speaks for; None where it is not one of ours."""
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        body, signature = raw[:-_SIGNATURE_BYTES], raw[-_SIGNATURE_BYTES:]
        ident, kind, item, node = body.split(b"|", 3)
        execution_id = UUID(hex=ident.decode("ascii"))
        found = Bearer(execution_id, node.decode(), int(item) if item else None, _KINDS[_KINDS.index(kind.decode())])
    except (ValueError, binascii.Error):
        return None
    return found if hmac.compare_digest(signature, _signature(resume_key(secret, execution_id), body)) else None


def _signature(key: str, body: bytes) -> bytes:
    return hmac.new(bytes.fromhex(key), body, hashlib.sha256).digest()[:_SIGNATURE_BYTES]


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
