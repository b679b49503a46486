"""Takes the secrets that a step used out of what it leaves behind, before that becomes its output, error or log."""

import base64
import re
from collections.abc import AsyncIterator, Iterator
from urllib.parse import quote, quote_plus

import orjson

from trestle.contracts.base import JsonObject, JsonValue

MIN_CHARS = 8
"""Shorter values aren't looked for: they would match by chance."""
REDACTED = "[redacted]"
NO_SECRETS = frozenset(
    {"name", "username", "algorithm", "public_key", "host", "port", "security", "from", "provider", "base_url", "test_url"}
)
"""Fields of credentials that are shown to whoever may see the credential: a header's name is no secret."""


class Redactor:
    """Knows the secrets of one step, as they are, in base64 (at any offset), and URL-encoded."""

    __slots__ = ("_needles",)

    def __init__(self) -> None:
        self._needles: list[str] = []

    def __bool__(self) -> bool:
        return bool(self._needles)

    def learn(self, data: JsonObject) -> None:
        """From now on, no secret in `data` is let through. Longer forms are looked for first, so that no tail is left over."""
        secrets = (text for name, value in data.items() if name not in NO_SECRETS for text in _texts(value))
        found = {form for secret in secrets if len(secret) >= MIN_CHARS for form in _forms(secret)}
        self._needles = sorted(found.union(self._needles), key=len, reverse=True)

    def text(self, text: str) -> str:
        """The text without secrets."""
        for needle in self._needles:
            if needle in text:
                text = text.replace(needle, REDACTED)
        return text

    def value(self, value: JsonValue) -> JsonValue:
        """The value without secrets, keys of objects included. A number that spells a secret becomes text; a `Reference` stays."""
        if not self._needles:
            return value
        encoded = orjson.dumps(value, default=lambda reference: None).decode()
        if not any(needle in encoded or orjson.dumps(needle)[1:-1].decode() in encoded for needle in self._needles):
            return value
        return self._walk(value)

    async def stream(self, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """Bytes as they come, without secrets, also where one comes in two pieces. What may begin one is held back until more is there."""
        needles = {form.encode() for needle in self._needles for form in (needle, orjson.dumps(needle)[1:-1].decode())}
        longest = max(map(len, needles), default=1)
        secrets = re.compile(b"|".join(map(re.escape, sorted(needles, key=len, reverse=True))))
        held = b""
        async for piece in pieces:
            held += piece
            # A form that begins later may go on in the next piece, as may a longer one of which it is the beginning.
            sure = max(len(held) - longest + 1, 0)
            if needles and any(needle in held for needle in needles):
                told, at = b"", 0
                while (found := secrets.search(held, at)) and found.start() < sure:
                    told, at = told + held[at : found.start()] + REDACTED.encode(), found.end()
                sure = max(at, sure)
                yield told + held[at:sure]
            else:
                yield held[:sure]
            held = held[sure:]
        yield secrets.sub(REDACTED.encode(), held) if needles else held

    def _walk(self, value: JsonValue) -> JsonValue:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.text(key): self._walk(inner) for key, inner in value.items()}
        if isinstance(value, list | tuple):
            return [self._walk(inner) for inner in value]
        if isinstance(value, int | float) and not isinstance(value, bool) and self.text(str(value)) != str(value):
            return REDACTED
        return value


def _texts(value: JsonValue) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)


def _forms(secret: str) -> Iterator[str]:
    yield secret
    yield quote(secret, safe="")
    yield quote(secret)
    yield quote_plus(secret)
    raw = secret.encode()
    for encoder in (base64.b64encode, base64.urlsafe_b64encode):
        yield encoder(raw).decode()
        # Inside a longer text (`user:password`) the secret starts at any of three offsets; the characters that it shares
        # with its neighbours are left out.
        for offset in range(3):
            inner = encoder(b"\0" * offset + raw).decode().rstrip("=")
            kept = inner[(0, 2, 3)[offset] : len(inner) - (1 if (offset + len(raw)) % 3 else 0)]
            if len(kept) >= MIN_CHARS:
                yield kept
