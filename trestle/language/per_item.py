"""What a list's items come to, one by one: an expression over ``item`` and ``index``, or the path of a field in each item."""

from typing import Any, Protocol

from trestle.language.errors import LanguageError
from trestle.language.expressions import Expression, compile_expression
from trestle.language.lexer import has_markup
from trestle.language.lookup import describe
from trestle.language.scope import Scope
from trestle.language.template import names_of


class ItemValue(Protocol):
    """A compiled value. Immutable; may be shared by threads."""

    def of(self, scope: Scope) -> Any:
        """The value for the scope's item: JSON. Raises LanguageError."""
        ...

    def names(self) -> set[str]:
        """What it mentions, as ``Template.names()`` says it."""
        ...


class _Expressed(ItemValue):
    def __init__(self, expression: Expression) -> None:
        self._expression = expression

    def of(self, scope: Scope) -> Any:
        return self._expression.render(scope)

    def names(self) -> set[str]:
        return names_of(self._expression.paths)


class _Field(ItemValue):
    def __init__(self, path: tuple[str, ...]) -> None:
        self._path = path

    def of(self, scope: Scope) -> Any:
        value = scope.roots["item"]
        for key in self._path:
            value = value.get(key) if isinstance(value, dict) else None
        return value

    def names(self) -> set[str]:
        return {"item"}


def compile_item_value(text: Any) -> ItemValue:
    """Compile ``{{ item.price * 2 }}``, or a field's path: ``customer.city``, which is null in items that have no such field.

    Raises LanguageError.
    """
    if not isinstance(text, str) or not text.strip():
        raise LanguageError(
            f"This is an expression or a field's name, and not {describe(text)}.", kind="syntax", hint="Write {{ item.name }}, or name."
        )
    if has_markup(text):
        return _Expressed(compile_expression(text))
    return _Field(tuple(text.strip().split(".")))
