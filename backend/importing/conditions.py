"""Conditions of a step list: JSONLogic, a `{{ … }}`, or a text such as `payload.score > 50 and payload["open"]`.

What can be said here exactly is; the rest stays as it was written, and is told.
"""

import ast
import re
from typing import Any

from backend.importing.logic import under_payload
from backend.importing.sheet import Sheet
from backend.importing.texts import places, text
from trestle.language import LanguageError, compile_condition

_PLACE = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
# One that is never closed reaches to the end, or the next one would be looked for in it over and over.
_QUOTED = re.compile(r"""'(?:[^'\\]|\\.)*+'?|"(?:[^"\\]|\\.)*+"?""", re.DOTALL)
_ELSEWHERE = {"===": "==", "!==": "!=", "&&": " and ", "||": " or ", "null": "None", "true": "True", "false": "False"}
_SPELLINGS = re.compile(r"!==|===|&&|\|\||!(?!=)|\bnull\b|\btrue\b|\bfalse\b")
_ROOTS = ("payload", "input")
_COMPARED = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.In: "in",
    ast.NotIn: "not in",
}
_COUNTED = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Mod: "%"}


class _CannotSay(Exception):
    """Why this has no counterpart."""


def condition(sheet: Sheet, path: str, value: Any) -> Any:
    """The condition as it is here; as it was, and told, where there is no saying it exactly."""
    if isinstance(value, bool):
        return value
    if isinstance(value, dict) and value:
        return under_payload(value)
    if not isinstance(value, str) or not value.strip():
        sheet.lose(path, "This is no condition. Write one, such as {{ payload.score > 50 }}.")
        return value
    try:
        return _checked(_said(value.strip()))
    except (_CannotSay, LanguageError) as why:
        reason = str(why).rstrip(".")
        sheet.lose(
            path, f"The condition “{value[:200]}” can't be taken over: {reason}. Write it anew, such as {{{{ payload.score > 50 }}}}."
        )
        return value


def _checked(said: str) -> str:
    compile_condition(said)
    return said


def _said(value: str) -> str:
    if (match := _PLACE.fullmatch(value)) and "{{" not in match[1]:
        return text(value)
    if "{{" in value:
        value = _spread(value)
    return f"{{{{ {_translated(value)} }}}}"


def _spread(value: str) -> str:
    """`{{ payload.score }} > 50` without its braces: what stands in them takes the place of a value."""
    for quote in ("'", '"'):
        if re.search(quote + r"[^'\"]*\{\{", value):
            raise _CannotSay("a template stands inside of a quoted text")
    pieces, end = [], 0
    for match in places(value):
        pieces += [value[end : match.start()], f"({match[1].strip()})"]
        end = match.end()
    return "".join([*pieces, value[end:]])


def _translated(value: str) -> str:
    try:
        tree = ast.parse(_spelled(value), mode="eval").body
        said = _expression(tree)
        return said if _is_truth(tree) else f"true if ({said}) else false"
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise _CannotSay("it can't be read") from None


def _spelled(value: str) -> str:
    """Other languages' words as Python's, outside of quoted texts."""
    pieces, end = [], 0
    for match in _QUOTED.finditer(value):
        pieces += [_SPELLINGS.sub(_respelled, value[end : match.start()]), match[0]]
        end = match.end()
    return "".join([*pieces, _SPELLINGS.sub(_respelled, value[end:])]).strip()


def _respelled(match: "re.Match[str]") -> str:
    return _ELSEWHERE.get(match[0], " not ")


def _is_truth(tree: ast.expr) -> bool:
    if isinstance(tree, ast.BoolOp):
        return all(map(_is_truth, tree.values))
    negated = isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.Not)
    return isinstance(tree, ast.Compare) or negated or (isinstance(tree, ast.Constant) and isinstance(tree.value, bool))


def _expression(tree: ast.expr) -> str:
    match tree:
        case ast.BoolOp(op=op, values=values):
            return (" and " if isinstance(op, ast.And) else " or ").join(map(_part, values))
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return f"not {_part(operand)}"
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return f"-{_part(operand)}"
        case ast.Compare():
            return _comparison(tree)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _COUNTED:
            return f"{_part(left)} {_COUNTED[type(op)]} {_part(right)}"
        case ast.List(elts=elements) | ast.Tuple(elts=elements):
            return f"[{', '.join(map(_expression, elements))}]"
        case ast.Call(func=ast.Name(id="len"), args=[one], keywords=[]):
            return f"{_part(one)}|length"
        case ast.Call(func=ast.Attribute(value=value, attr="get"), args=[ast.Constant(value=str() as name), *rest], keywords=[]) if (
            len(rest) < 2
        ):
            return f"({_part(value)}[{_constant(name)}]|default({_expression(rest[0]) if rest else 'none'}))"
        case ast.Constant(value=value):
            return _constant(value)
        case ast.Name() | ast.Attribute() | ast.Subscript():
            return _path(tree)
    raise _CannotSay(f"there is no counterpart to “{ast.unparse(tree)[:80]}”")


def _part(tree: ast.expr) -> str:
    said = _expression(tree)
    return said if isinstance(tree, ast.Name | ast.Attribute | ast.Subscript | ast.Constant | ast.List | ast.Tuple) else f"({said})"


def _comparison(tree: ast.Compare) -> str:
    sides = [tree.left, *tree.comparators]
    return " and ".join(_compared(left, op, right) for left, op, right in zip(sides, tree.ops, sides[1:], strict=False))


def _compared(left: ast.expr, op: ast.cmpop, right: ast.expr) -> str:
    if isinstance(op, ast.Is | ast.IsNot):
        if not (isinstance(right, ast.Constant) and right.value is None):
            raise _CannotSay("“is” compares with None only")
        return f"{_part(left)} is {'not ' if isinstance(op, ast.IsNot) else ''}none"
    return f"{_part(left)} {_COMPARED[type(op)]} {_part(right)}"


def _path(tree: ast.expr) -> str:
    match tree:
        case ast.Name(id=name):
            if name not in _ROOTS:
                raise _CannotSay(f"“{name}” is not known here: the caller's data is `payload`")
            return name
        case ast.Attribute(value=value, attr=name):
            return f"{_path(value)}.{name}"
        case ast.Subscript(value=value, slice=ast.Constant(value=(str() | int()) as key)) if not isinstance(key, bool):
            return f"{_path(value)}[{_constant(key)}]"
    return f"({_expression(tree)})" if isinstance(tree, ast.Call) else _no_path(tree)


def _no_path(tree: ast.expr) -> str:
    raise _CannotSay(f"there is no counterpart to “{ast.unparse(tree)[:80]}”")


def _constant(value: Any) -> str:
    match value:
        case None | True | False:
            return {None: "none", True: "true", False: "false"}[value]
        case int() | float():
            return repr(value)
        case str():
            return "'" + value.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n") + "'"
    raise _CannotSay("it holds a value that JSON does not have")
