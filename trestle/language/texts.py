"""Filters of texts. Each counts what it makes before it makes it."""

import base64
import binascii
import html
import re
from typing import Any, Final
from urllib.parse import quote, quote_plus

from trestle.language.encoding import decode, encode
from trestle.language.errors import LanguageError
from trestle.language.limits import ITEM_COST, MAX_ITEMS, Meter
from trestle.language.lookup import describe
from trestle.language.operators import as_text

_MAX_INDENT: Final = 16
_TAG: Final = re.compile(r"<[^<>]*>")


def text(meter: Meter, value: Any, name: str) -> str:
    """``value`` if it is a text, counted as work. Raises LanguageError (type)."""
    if not isinstance(value, str):
        raise LanguageError(f"`{name}` needs a text, and this is {describe(value)}.", hint="Convert it with |string.")
    meter.charge(len(value))
    return value


def whole(value: Any, name: str, low: int, high: int) -> int:
    """``value`` if it is a whole number from ``low`` to ``high``. Raises LanguageError."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise LanguageError(f"`{name}` needs a whole number from {low} to {high}, and this is {describe(value)}.")
    return value


def upper(meter: Meter, value: Any) -> str:
    """In capitals."""
    return _bounded(meter, text(meter, value, "upper").upper())


def lower(meter: Meter, value: Any) -> str:
    """In small letters."""
    return _bounded(meter, text(meter, value, "lower").lower())


def title(meter: Meter, value: Any) -> str:
    """Each word with a capital."""
    return _bounded(meter, text(meter, value, "title").title())


def capitalize(meter: Meter, value: Any) -> str:
    """The first letter a capital, the others small."""
    return _bounded(meter, text(meter, value, "capitalize").capitalize())


def trim(meter: Meter, value: Any, characters: Any = None) -> str:
    """Without the white space (or the given characters) at both ends."""
    return text(meter, value, "trim").strip(None if characters is None else text(meter, characters, "trim"))


def replace(meter: Meter, value: Any, old: Any, new: Any) -> str:
    """Every ``old`` replaced by ``new``."""
    source, old, new = text(meter, value, "replace"), text(meter, old, "replace"), text(meter, new, "replace")
    meter.text(len(source) + source.count(old) * max(0, len(new) - len(old)))
    return source.replace(old, new)


def split(meter: Meter, value: Any, separator: Any = None, limit: Any = -1) -> list[str]:
    """The parts between separators (white space if none is given)."""
    source = text(meter, value, "split")
    if separator == "":
        raise LanguageError("`split` needs a separator of at least one character.")
    limit = whole(limit, "split", -1, MAX_ITEMS)
    between = None if separator is None else text(meter, separator, "split")
    # One part more than the limit tells that there would be too many, without making them all.
    parts = source.split(between, MAX_ITEMS if limit < 0 else limit)
    meter.items(len(parts))
    return parts


def lines(meter: Meter, value: Any) -> list[str]:
    """The lines of a text, without their ends."""
    parts = text(meter, value, "lines").splitlines()
    meter.items(len(parts))
    return parts


def truncate(meter: Meter, value: Any, length: Any = 255, end: Any = "…") -> str:
    """At most ``length`` characters, the last of them ``end`` if something was cut."""
    source, end = text(meter, value, "truncate"), text(meter, end, "truncate")
    length = whole(length, "truncate", len(end), MAX_ITEMS)
    return source if len(source) <= length else source[: length - len(end)] + end


def indent(meter: Meter, value: Any, width: Any = 4, first: Any = False) -> str:
    """Every line but the first (or that too) moved to the right."""
    source, pad = text(meter, value, "indent"), " " * whole(width, "indent", 0, _MAX_INDENT)
    meter.text(len(source) + len(pad) * (source.count("\n") + 1))
    moved = source.replace("\n", "\n" + pad)
    return pad + moved if first else moved


def string(meter: Meter, value: Any) -> str:
    """Any value as text."""
    return as_text(meter, value)


def tojson(meter: Meter, value: Any, indent: Any = None) -> str:
    """``value`` as JSON text; safe to put in the middle of a JSON body."""
    meter.weigh(value)
    return _bounded(meter, encode(value, indent=None if indent is None else whole(indent, "tojson", 0, _MAX_INDENT)))


def fromjson(meter: Meter, value: Any) -> Any:
    """The value of a JSON text."""
    source = text(meter, value, "fromjson")
    meter.text(len(source))
    meter.charge(ITEM_COST * min(len(source) // 2, MAX_ITEMS))
    return decode(source)


def b64encode(meter: Meter, value: Any) -> str:
    """A text's UTF-8 form in base64, standard alphabet."""
    return _bounded(meter, base64.b64encode(text(meter, value, "b64encode").encode("utf-8", "replace")).decode())


def b64decode(meter: Meter, value: Any) -> str:
    """The UTF-8 text of a base64 text, in the standard or the URL alphabet, padded or not."""
    source = text(meter, value, "b64decode").strip().replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return base64.b64decode(source + "=" * (-len(source) % 4), validate=True).decode()
    except (binascii.Error, ValueError):
        raise LanguageError("The text is not the base64 form of a UTF-8 text.") from None


def urlencode(meter: Meter, value: Any) -> str:
    """A text escaped for any part of a URL; an object as ``name=value&…``."""
    if isinstance(value, dict):
        meter.items(len(value))
        parts = [f"{quote_plus(key)}={quote_plus(as_text(meter, item).encode('utf-8', 'replace'))}" for key, item in value.items()]
        return _bounded(meter, "&".join(parts))
    return _bounded(meter, quote(as_text(meter, value).encode("utf-8", "replace"), safe=""))


def escape(meter: Meter, value: Any) -> str:
    """Safe in the middle of HTML."""
    return _bounded(meter, html.escape(as_text(meter, value)))


def striptags(meter: Meter, value: Any) -> str:
    """The text of some HTML: tags out, entities resolved, ends trimmed."""
    return html.unescape(_TAG.sub("", text(meter, value, "striptags"))).strip()


def _bounded(meter: Meter, made: str) -> str:
    meter.text(len(made))
    return made
