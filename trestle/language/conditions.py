"""Conditions: an expression in a text, or a JSONLogic object."""

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final, Protocol

import datalogic_py

from trestle.language import references
from trestle.language.encoding import encode
from trestle.language.errors import LanguageError
from trestle.language.expressions import Expression, compile_expression
from trestle.language.limits import FUEL
from trestle.language.lookup import describe
from trestle.language.references import Reference
from trestle.language.scope import Scope
from trestle.language.template import names_of

_DATA: Final = ("payload", "trigger", "input", "nodes", "vars", "item", "index")
_FAMILIES: Final = ("DateTime", "ExtString", "ExtArray", "ExtObject", "ExtControl", "ExtMath")
_MAX_RULE: Final = 64 * 1024  # characters of JSON


class Condition(Protocol):
    """A compiled condition. Immutable; may be shared by threads."""

    def holds(self, scope: Scope) -> bool:
        """Whether it holds over ``scope``. Raises LanguageError."""
        ...

    def names(self) -> set[str]:
        """What it mentions, as ``Template.names()`` says it."""
        ...


class Always(Condition):
    """A condition that is settled: the literal ``true`` or ``false``."""

    def __init__(self, value: bool) -> None:
        self._value = value

    def holds(self, scope: Scope) -> bool:
        return self._value

    def names(self) -> set[str]:
        return set()


class ExpressionCondition(Condition):
    """A condition written as ``{{ … }}``."""

    def __init__(self, expression: Expression) -> None:
        self._expression = expression

    def holds(self, scope: Scope) -> bool:
        value = self._expression.render(scope)
        if isinstance(value, Reference):
            value = value.content
        if isinstance(value, str):
            return self._text(value)
        return bool(value)

    def _text(self, value: str) -> bool:
        # "false" arriving as a text would otherwise hold.
        word = value.strip().lower()
        if word in ("", "true", "false"):
            return word == "true"
        raise LanguageError(
            f"A condition is true or false, and this is {describe(value)}.",
            expression=self._expression.text,
            hint="Compare it: {{ payload.status == 'open' }}, or test it: {{ payload.status|length > 0 }}.",
        )

    def names(self) -> set[str]:
        return names_of(self._expression.paths)


class Logic(Condition):
    """A condition written as JSONLogic. What is not there reads as null, as JSONLogic has it."""

    def __init__(self, rule: datalogic_py.Rule, text: str) -> None:
        self._rule = rule
        self._text = text
        facts = rule.facts()
        reads = [read for read in facts["reads"] if read]
        whole = facts["computed_reads"] or not facts["reads_complete"] or len(reads) < len(facts["reads"])
        # Only what the rule reads is handed over: the rest of a large payload's neighbours costs nothing.
        self._paths = None if whole else [tuple(read) for read in reads if read[0] in _DATA]
        self._roots = set(_DATA) if whole else {read[0] for read in reads} & set(_DATA)
        self._names = self._roots if whole else names_of([tuple(read) for read in reads if read[0] in _DATA])

    def holds(self, scope: Scope) -> bool:
        data = {name: _plain(scope.roots[name]) for name in self._roots if name in scope.roots}
        return self.holds_for(self._loaded(data) if scope.references else data)

    def _loaded(self, data: Any) -> Any:
        """The data with the large values that the rule reads; the others are null to it."""
        if self._paths is None:
            return references.whole(data)
        read = {reference.id: reference for path in self._paths for reference in _met(data, path)}
        references.require(read.values())
        return references.replaced(data, lambda reference: reference.content if reference.id in read else None)

    def holds_for(self, data: Any) -> bool:
        """Whether it holds over ``data`` itself, as for ``trigger.event``, where the data is the event."""
        try:
            return _engine().truthy(self._result(data))
        except datalogic_py.DataLogicError as error:
            raise self._failed(error) from None
        except (TypeError, ValueError, OverflowError) as error:
            raise LanguageError(f"JSONLogic can't read the data: {error}.", expression=self._text) from None

    def _result(self, data: Any) -> str:
        try:
            return self._rule.evaluate_metered(encode(data) if isinstance(data, str) else data, FUEL)[0]
        except datalogic_py.ParseError:
            # Integers over 64 bits are read from JSON text only, as floats.
            return self._rule.evaluate_metered(encode(data), FUEL)[0]

    def _failed(self, error: datalogic_py.DataLogicError) -> LanguageError:
        operator = f"`{error.operator}` " if error.operator else ""
        if error.error_type == "BudgetExceeded":
            return LanguageError("The condition takes too many steps.", kind="limit", expression=self._text)
        if "NaN" in str(error):
            return LanguageError(f"{operator}needs numbers, and got something else.", expression=self._text)
        return LanguageError(f"{operator}failed: {error}.", expression=self._text)

    def names(self) -> set[str]:
        return set(self._names)


def compile_condition(condition: str | bool | dict[str, Any]) -> Condition:
    """Compile a condition: ``True`` or ``False``, a text that is one ``{{ … }}``, or a JSONLogic object.

    Raises LanguageError: syntax, an unknown name, an unknown JSONLogic operator.
    """
    if isinstance(condition, bool):
        return Always(condition)
    if isinstance(condition, dict):
        return compile_logic(condition)
    if not isinstance(condition, str):
        raise LanguageError(f"A condition is an expression, true, false or a JSONLogic object, and this is {describe(condition)}.")
    if condition.strip().lower() in ("true", "false"):
        return Always(condition.strip().lower() == "true")
    expression = compile_expression(condition)
    if not expression.single:
        raise LanguageError(
            "A condition is one expression in braces.",
            kind="syntax",
            expression=condition,
            hint="Write {{ payload.score >= 80 }}: nothing before or after the braces, operators inside.",
        )
    return ExpressionCondition(expression)


def compile_logic(rule: dict[str, Any]) -> Logic:
    """Compile a JSONLogic object. Raises LanguageError whose ``field`` points at the wrong operator."""
    try:
        text = json.dumps(rule, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise LanguageError(f"The JSONLogic rule is not JSON: {error}.", kind="syntax") from None
    if len(text) > _MAX_RULE:
        raise LanguageError(f"The JSONLogic rule has {len(text)} characters, and may have {_MAX_RULE}.", kind="limit")
    return _compile_logic(text)


@lru_cache(maxsize=1024)
def _compile_logic(text: str) -> Logic:
    if not json.loads(text):
        raise LanguageError("The JSONLogic rule is empty.", kind="syntax", hint='Write {"==": [{"var": "payload.x"}, 1]}.', expression=text)
    try:
        return Logic(_engine().compile_checked(text), text)
    except datalogic_py.CompileError as error:
        first = error.diagnostics[0]
        raise LanguageError(
            f"JSONLogic: {first['message'].rstrip('.?')}.",
            kind="syntax",
            field=first["pointer"],
            expression=text,
            hint="See jsonlogic.com/operations.",
        ) from None
    except datalogic_py.DataLogicError as error:
        raise LanguageError(f"JSONLogic: {error}.", kind="syntax", expression=text) from None


@lru_cache(maxsize=1)
def _engine() -> datalogic_py.Engine:
    # Values of two kinds are not equal, which is no error: JSONLogic has it so, and not every event has the same shape.
    config = {"ops_budget": FUEL, "max_recursion_depth": 64, "loose_equality_errors": False}
    return datalogic_py.Engine(families=_FAMILIES, strict_operator_names=True, config=config)


def _met(value: Any, path: tuple[Any, ...]) -> list[Reference]:
    """The references on the way along `path`, or at its end and beneath."""
    for key in path:
        if isinstance(value, Reference):
            return [value]
        if isinstance(value, list):
            if not str(key).isdecimal() or int(key) >= len(value):
                return []
            value = value[int(key)]
        elif isinstance(value, Mapping) and key in value:
            value = value[key]
        else:
            return []
    return references.references_in(value)


def _plain(value: Any) -> Any:
    # nodes and vars may be lazy mappings, which only become dicts here.
    return value if isinstance(value, dict | list | str | int | float | Reference | None) else dict(value)
