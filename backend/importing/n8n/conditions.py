"""n8n's conditions: `{combinator, conditions: [{leftValue, rightValue, operator: {type, operation}}], options}`, and in the first
version of its nodes `{string: [{value1, operation, value2}], number: […], boolean: […], dateTime: […]}`."""

from typing import Any

from backend.importing.n8n.expressions import Reader

_COMPARED = {"equals": "==", "notEquals": "!=", "gt": ">", "lt": "<", "gte": ">=", "lte": "<="}
_LENGTHS = {"lengthEquals": "==", "lengthNotEquals": "!=", "lengthGt": ">", "lengthLt": "<", "lengthGte": ">=", "lengthLte": "<="}
_MOMENTS = {"equals": "==", "notEquals": "!=", "after": ">", "before": "<", "afterOrEquals": ">=", "beforeOrEquals": "<="}
_ALONE = {
    "exists": "{0} is defined and {0} is not none",
    "notExists": "{0} is not defined or {0} is none",
    "empty": "{0}|length == 0",
    "notEmpty": "{0}|length > 0",
    "true": "{0} == true",
    "false": "{0} == false",
    # Of the first version: what isn't there is empty too.
    "isEmpty": "{0} is not defined or {0} is empty",
    "isNotEmpty": "{0} is defined and {0} is not empty",
}
_BOTH = {
    "contains": "{1} in {0}",
    "notContains": "{1} not in {0}",
    "startsWith": "{0} is startingwith {1}",
    "notStartsWith": "{0} is not startingwith {1}",
    "endsWith": "{0} is endingwith {1}",
    "notEndsWith": "{0} is not endingwith {1}",
    **{name: f"{{0}} {sign} {{1}}" for name, sign in _COMPARED.items()},
    **{name: f"{{0}}|length {sign} {{1}}" for name, sign in _LENGTHS.items()},
}
_OF_MOMENTS = {name: f"{{0}}|timestamp {sign} {{1}}|timestamp" for name, sign in _MOMENTS.items()}
_KINDS = ("string", "number", "boolean", "array", "object", "dateTime")
_FIRST = {
    "equal": "equals",
    "notEqual": "notEquals",
    "larger": "gt",
    "largerEqual": "gte",
    "smaller": "lt",
    "smallerEqual": "lte",
}
"""The first version's names for the same."""
DEFAULTS = {"string": ("equal", ""), "number": ("smaller", 0), "boolean": ("equal", False), "dateTime": ("after", "")}
"""Of the first version, by type: the operation and the right side where none is given."""


def condition(read: Reader, value: Any, *, ignore_case: bool = False) -> tuple[str | None, str]:
    """The condition as an expression; or None, and why there is no saying it."""
    parts = value.get("conditions") if isinstance(value, dict) else None
    if not isinstance(parts, list) or not parts:
        return None, "It is none that can be read."
    options = value.get("options")
    ignore_case = ignore_case or (isinstance(options, dict) and options.get("caseSensitive") is False)
    said = []
    for part in parts:
        one = _one(read, part, ignore_case) if isinstance(part, dict) else None
        if one is None:
            return None, f"There is no counterpart to “{_shown(part)}”."
        said.append(one)
    return braced(said, " or " if value.get("combinator") == "or" else " and "), ""


def is_first(value: Any) -> bool:
    """Whether these are conditions of the first version."""
    return isinstance(value, dict) and "conditions" not in value and any(kind in value for kind in DEFAULTS)


def first_condition(read: Reader, value: Any, word: str) -> tuple[str | None, str]:
    """The same for the first version; `word` joins its parts."""
    said = []
    for kind, (operation, right) in DEFAULTS.items():
        entries = value.get(kind)
        for part in entries if isinstance(entries, list) else ():
            if not isinstance(part, dict):
                return None, "It is none that can be read."
            name = str(part.get("operation") or operation)
            one = compared(read, kind, part.get("value1", right), name, part.get("value2", right))
            if one is None:
                return None, f"There is no counterpart to “{part.get('value1')} {name} {part.get('value2', '')}”."[:250]
            said.append(one)
    return (braced(said, word), "") if said else (None, "It is none that can be read.")


def compared(read: Reader, kind: str, left: Any, operation: str, right: Any) -> str | None:
    """One comparison of the first version as part of an expression; None where there is no saying it."""
    return _said(read, kind, left, _FIRST.get(operation, operation), right)


def braced(said: list[str], word: str = " and ") -> str:
    """The parts as a whole condition."""
    return f"{{{{ {said[0] if len(said) == 1 else word.join(f'({one})' for one in said)} }}}}"


def _one(read: Reader, part: Any, ignore_case: bool) -> str | None:
    operator = part.get("operator")
    kind, operation = (operator.get("type"), str(operator.get("operation") or "")) if isinstance(operator, dict) else ("", "")
    # One that nothing has been chosen for compares texts, and is left out of what is stored.
    return _said(read, kind, part.get("leftValue"), operation or "equals", part.get("rightValue"), lowered=ignore_case and kind == "string")


def _said(read: Reader, kind: Any, left: Any, operation: str, right: Any, *, lowered: bool = False) -> str | None:
    one = read.operand(left)
    if one is None or kind not in _KINDS:
        return None
    if operation in _ALONE:
        return _ALONE[operation].format(one)
    other = read.operand(_typed(kind, right))
    known = _OF_MOMENTS if kind == "dateTime" else _BOTH
    if operation not in known or other is None:
        return None
    return known[operation].format(*(f"{side}|lower" for side in (one, other)) if lowered else (one, other))


def _typed(kind: str, value: Any) -> Any:
    """The right side as the number that it is compared as."""
    if kind not in ("number", "array") or not isinstance(value, str) or value.startswith("="):
        return value
    try:
        return float(value) if "." in value else int(value)
    except ValueError:
        return value if kind == "array" else {"not": "a number"}


def _shown(part: Any) -> str:
    if not isinstance(part, dict):
        return str(part)[:80]
    operator = part.get("operator")
    name = operator.get("operation") if isinstance(operator, dict) else ""
    return f"{part.get('leftValue')} {name} {part.get('rightValue')}"[:200]
