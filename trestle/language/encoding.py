"""JSON text, the only form in which values other than texts get into a text."""

import json
from typing import Any

from trestle.language.errors import LanguageError


def encode(value: Any, *, indent: int | None = None) -> str:
    """``value`` as JSON, compact unless indented. Raises LanguageError for what JSON doesn't know."""
    separators = (",", ":") if indent is None else (",", ": ")
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=separators, indent=indent)
    except RecursionError:
        raise LanguageError("The value is nested too deeply.", kind="limit") from None
    except (TypeError, ValueError) as error:
        raise LanguageError(f"The value can't be written as JSON: {error}.") from None


def decode(text: str) -> Any:
    """The value of a JSON text. Raises LanguageError that says where the text is wrong."""
    try:
        return json.loads(text, parse_constant=_refuse)
    except RecursionError:
        raise LanguageError("The JSON text is nested too deeply.", kind="limit") from None
    except ValueError as error:
        raise LanguageError(f"The text is not JSON: {error}.") from None


def _refuse(word: str) -> Any:
    raise ValueError(f"{word} is not JSON")
