"""What pydantic finds wrong, in the words of this product: what the value must be, so that the reader knows what to do."""

from collections.abc import Mapping
from typing import Any

_KINDS = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "dict_type": "an object",
    "model_type": "an object",
    "model_attributes_type": "an object",
    "list_type": "a list",
    "none_required": "empty",
}
_BOUNDS = {
    "greater_than_equal": ("at least", "ge"),
    "greater_than": ("more than", "gt"),
    "less_than_equal": ("at most", "le"),
    "less_than": ("less than", "lt"),
}


def in_words(error: Mapping[str, Any]) -> str:
    """A sentence for one of pydantic's errors (`ValidationError.errors()`). The value itself is not in it: it may be a secret, or long."""
    kind, facts = str(error["type"]), error.get("ctx", {})
    if kind in _KINDS:
        return f"Must be {_KINDS[kind]}."
    if kind in _BOUNDS:
        how, name = _BOUNDS[kind]
        return f"Must be {how} {facts[name]}."
    match kind:
        case "missing":
            return "Is required: fill it in."
        case "extra_forbidden":
            return "There is no such field. Remove it, or check its spelling."
        case "literal_error" | "enum":
            return f"Must be one of {facts['expected']}."
        case "string_too_short" | "too_short":
            least, what = facts["min_length"], " characters" if kind == "string_too_short" else ""
            return "Must not be empty." if least == 1 else f"Needs at least {least}{what}."
        case "string_too_long" | "too_long":
            return f"Must have at most {facts['max_length']}{' characters' if kind == 'string_too_long' else ''}."
        case "string_pattern_mismatch":
            return f"Does not have the right form: it must match {facts['pattern']}."
        case _:
            return str(error["msg"]).removeprefix("Value error, ")
