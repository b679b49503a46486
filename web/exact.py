"""JSON whose whole numbers stay what they are, however large: orjson alone refuses those of more than 64 bits, or rounds them. Pure."""

import json
import re
from typing import Any

import orjson

_MANY_DIGITS = re.compile(rb"\d{20}")


def dumps(value: Any) -> bytes:
    """The value's JSON."""
    try:
        return orjson.dumps(value)
    except TypeError:  # a whole number of more than 64 bits
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def loads(content: bytes) -> Any:
    """The value of a JSON text. Raises ValueError."""
    return json.loads(content) if _MANY_DIGITS.search(content) else orjson.loads(content)


def text(value: Any) -> str:
    """The value on its way into a page: as JSON text, since Reflex has the browser read plain values as doubles, which rounds whole
    numbers beyond 2^53. `integers.js` reads it there."""
    return dumps(value).decode()
