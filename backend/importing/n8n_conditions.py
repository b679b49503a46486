"""n8n's conditions: `{combinator, conditions: [{leftValue, rightValue, operator: {type, operation}}], options}`."""

from typing import Any

from backend.importing.n8n_expressions import Reader

_COMPARED = {"equals": "==", "notEquals": "!=", "gt": ">", "lt": "<", "gte": ">=", "lte": "<="}
_ALONE = {
    "exists": "{0} is defined and {0} is not none",
    "notExists": "{0} is not defined or {0} is none",
    "empty": "{0}|length == 0",
    "notEmpty": "{0}|length > 0",
    "true": "{0} == true",
    "false": "{0} == false",
}
_BOTH = {
    "contains": "{1} in {0}",
    "notContains": "{1} not in {0}",
    **{name: f"{{0}} {sign} {{1}}" for name, sign in _COMPARED.items()},
}
_KINDS = ("string", "number", "boolean", "array", "object")


def condition(read: Reader, value: Any) -> tuple[str | None, str]:
    """The condition as an expression; or None, and why there is no saying it."""
    parts = value.get("conditions") if isinstance(value, dict) else None
    if not isinstance(parts, list) or not parts:
        return None, "It is none that can be read."
    options = value.get("options")
    if isinstance(options, dict) and options.get("caseSensitive") is False:
        return None, "It takes capital and small letters for the same, which comparisons here don't."
    said = []
    for part in parts:
        one = _one(read, part) if isinstance(part, dict) else None
        if one is None:
            return None, f"There is no counterpart to “{_shown(part)}”."
        said.append(one)
    word = " or " if value.get("combinator") == "or" else " and "
    return f"{{{{ {said[0] if len(said) == 1 else word.join(f'({one})' for one in said)} }}}}", ""


def _one(read: Reader, part: Any) -> str | None:
    operator = part.get("operator")
    kind, operation = (operator.get("type"), operator.get("operation")) if isinstance(operator, dict) else ("", "")
    left = read.operand(part.get("leftValue"))
    if left is None or kind not in _KINDS:
        return None
    if operation in _ALONE:
        return _ALONE[operation].format(left)
    right = read.operand(_typed(kind, part.get("rightValue")))
    return _BOTH[operation].format(left, right) if operation in _BOTH and right is not None else None


def _typed(kind: str, value: Any) -> Any:
    """The right side as the number that it is compared as."""
    if kind != "number" or not isinstance(value, str) or value.startswith("="):
        return value
    try:
        return float(value) if "." in value else int(value)
    except ValueError:
        return {"not": "a number"}


def _shown(part: Any) -> str:
    if not isinstance(part, dict):
        return str(part)[:80]
    operator = part.get("operator")
    name = operator.get("operation") if isinstance(operator, dict) else ""
    return f"{part.get('leftValue')} {name} {part.get('rightValue')}"[:200]
