"""What is wrong with one node's config: against its type's JSON Schema, and in its expressions."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from jsonschema import Draft202012Validator, ValidationError

from trestle.contracts.config_fields import MarkedField, marked_fields
from trestle.contracts.graph import Node
from trestle.contracts.node_types import NodeType
from trestle.contracts.problems import FieldError
from trestle.language import LanguageError, check_config, compile_condition, compile_config, compile_item_value, has_expression

Path = tuple[str | int, ...]

_OF_ITEMS = frozenset({"item", "index"})
"""Names that a field evaluated for each item has by itself."""


@dataclass(frozen=True)
class Findings:
    """What one node's config says by itself. `names` are the roots and `nodes.<key>` of its expressions, by the field they stand in."""

    errors: tuple[FieldError, ...]
    names: tuple[tuple[Path, frozenset[str]], ...]
    credentials: tuple[MarkedField, ...]


def examine(node: Node, kind: NodeType, validator: Draft202012Validator) -> Findings:
    """Every error of the node's config and for-each, and what the rest of the graph must have for it."""
    marked = marked_fields(kind.config_schema, node.config)
    static = [field.pointer for field in marked]
    errors = [*_schema_errors(node, validator, marked)]
    names: list[tuple[Path, frozenset[str]]] = []
    for name, value in node.config.items():
        errors += _language(node, ("config",), check_config({name: value}, static=static))
        if not errors:
            names.append((("config", name), frozenset(compile_config({name: value}, static=static).names())))
    for field in marked:
        if field.kind in ("condition", "item_value"):
            path: Path = ("config", *field.path)
            try:
                found = (compile_condition if field.kind == "condition" else compile_item_value)(field.value).names()
                names.append((path, frozenset(found - _OF_ITEMS if field.per_item else found)))
            except LanguageError as error:
                errors += _language(node, path, [error])
    if node.for_each is not None:
        items = {"items": node.for_each.items}
        wrong = check_config(items)
        errors += _language(node, ("for_each",), wrong)
        if not wrong:
            names.append((("for_each", "items"), frozenset(compile_config(items).names())))
            if not isinstance(node.for_each.items, list) and not has_expression(node.for_each.items):
                errors.append(_error(node, ("for_each", "items"), "must be a list, or an expression that gives one."))
    credentials = tuple(field for field in marked if field.kind == "credential")
    return Findings(tuple(errors), tuple(names), credentials)


def _error(node: Node, path: Path, what: str) -> FieldError:
    shown = path[1:] if path[:1] == ("config",) else path
    return FieldError(loc=list(path), node=node.key, message=f"{dotted(shown) or 'The config'} {what}")


def dotted(path: Iterable[str | int]) -> str:
    """`cases[0].condition`"""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _language(node: Node, base: Path, errors: Iterable[LanguageError]) -> list[FieldError]:
    found = []
    for error in errors:
        steps = [part.replace("~1", "/").replace("~0", "~") for part in error.field.split("/")[1:]]
        path: Path = (*base, *(int(step) if step.isdecimal() else step for step in steps))
        what = " ".join(part for part in (error.message, error.hint) if part)
        shown = dotted(path[1:] if path[0] == "config" else path)
        found.append(FieldError(loc=list(path), node=node.key, message=f"{shown}: {what}"))
    return found


def _schema_errors(node: Node, validator: Draft202012Validator, marked: list[MarkedField]) -> Iterator[FieldError]:
    compiled = {field.path for field in marked if field.kind in ("condition", "item_value")}
    literal = {field.path for field in marked} - compiled
    for error in validator.iter_errors(node.config):
        real = _reduced(error, literal, compiled)
        if real is not None:
            yield _error(node, ("config", *_place(real)), _says(real))


def _place(error: ValidationError) -> Path:
    """Where to mend it. What is missing has its place too: there the form shows what it asks for."""
    return (*error.absolute_path, _missing(error)) if error.validator == "required" else tuple(error.absolute_path)


def _missing(error: ValidationError) -> str:
    required: Any = error.validator_value
    return next(str(name) for name in required if error.message.startswith(repr(name)))  # one error for each


def _reduced(error: ValidationError, literal: set[Path], compiled: set[Path]) -> ValidationError | None:
    """The error worth telling, or None where it is about what an expression will give.

    Of the members of a union the one that came closest is told; one whose every error is about expressions fits.
    """
    path: Path = tuple(error.absolute_path)
    if any(path[: len(place)] == place for place in compiled):
        return None  # compiled instead of compared
    is_literal = any(path[: len(place)] == place for place in literal)
    if isinstance(error.instance, str) and not is_literal and has_expression(error.instance):
        return None
    if not error.context or error.validator not in ("anyOf", "oneOf"):
        return error
    members: dict[Any, list[ValidationError]] = {}
    for inner in error.context:
        members.setdefault(inner.schema_path[0], []).append(inner)
    told = []
    for inners in members.values():
        left = [real for inner in inners if (real := _reduced(inner, literal, compiled)) is not None]
        if not left:
            return None
        told.append(left[0])
    said = [inner for inner in told if (inner.validator, inner.validator_value) != ("type", "null")]
    if len(said) == 1:
        return said[0]  # the field may be left empty; what else is wrong with it is worth more than that
    # A member that was entered (the error lies deeper than the union itself) is the one that was meant.
    deepest = max(told, key=lambda one: len(one.absolute_path))
    return deepest if len(deepest.absolute_path) > len(error.absolute_path) else error


_KINDS = {
    "string": "a text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "object": "an object",
    "array": "a list",
    "null": "empty",
}


def _says(error: ValidationError) -> str:
    expected: Any = error.validator_value
    instance: Any = error.instance
    schema: Any = error.schema
    match error.validator:
        case "required":
            return "is missing. Fill it in."
        case "additionalProperties":
            unknown = sorted(set(instance) - set(schema.get("properties", {})))
            return f"has no field “{unknown[0]}”. Remove it, or check its spelling."
        case "enum" | "const":
            choices = expected if isinstance(expected, list) else [expected]
            return f"must be one of {', '.join(map(str, choices))}."
        case "type":
            kinds = expected if isinstance(expected, list) else [expected]
            return f"must be {' or '.join(_KINDS.get(kind, str(kind)) for kind in kinds)}."
        case "anyOf" | "oneOf":
            return _of_union(error)
        case "minLength" | "minItems":
            return "must not be empty." if expected == 1 else f"needs at least {expected}."
        case "maxLength" | "maxItems":
            return f"must have at most {expected}."
        case "minimum" | "exclusiveMinimum":
            return f"must be {'at least' if error.validator == 'minimum' else 'more than'} {expected}."
        case "maximum" | "exclusiveMaximum":
            return f"must be {'at most' if error.validator == 'maximum' else 'less than'} {expected}."
        case "pattern":
            return f"does not have the right form (it must match {expected})."
        case "not":
            return "has a value that is reserved. Choose another."
        case _:
            return f"is not right: {error.message}."


def _of_union(error: ValidationError) -> str:
    members: Any = error.validator_value
    required = [name for member in members for name in member.get("required", ())]
    if required and all(set(member) == {"required"} for member in members):
        return f"needs one of {', '.join(required)}. Fill one in."
    kinds = [_KINDS[member["type"]] for member in members if member.get("type") in _KINDS.keys() - {"null"}]
    return f"must be {' or '.join(dict.fromkeys(kinds))}." if kinds else f"is not right: {error.message}."
