"""How much one expression may cost. Every operation that can make something large counts here before it makes it."""

from typing import Any, Final

from trestle.language.errors import LanguageError

MAX_SOURCE: Final = 8 * 1024  # characters of one field's text
MAX_OUTPUT: Final = 1024 * 1024  # characters of one rendered text, and of any text made on the way
MAX_ITEMS: Final = 100_000  # items of any list made on the way
MAX_WORK: Final = 16 * 1024 * 1024  # characters and items (ITEM_COST each) that one render may make in all
MAX_RANGE: Final = 10_000
MAX_NESTING: Final = 40  # brackets in brackets in one expression
FUEL: Final = 100_000  # instructions of the virtual machine
ITEM_COST: Final = 32


class Meter:
    """Counts what one render makes; raises before it becomes too much."""

    __slots__ = ("output", "work")

    def __init__(self) -> None:
        self.work = 0
        self.output = 0

    def charge(self, amount: int) -> None:
        """Count ``amount`` characters of work. Raises LanguageError (limit) when the render has made too much."""
        self.work += amount
        if self.work > MAX_WORK:
            raise LanguageError(
                "The expression makes too much data on its way.", kind="limit", hint="Work on a part of the data, or use a node for it."
            )

    def text(self, length: int) -> None:
        """Count a text of ``length`` characters that is about to be made."""
        if length > MAX_OUTPUT:
            raise LanguageError(f"A text of {length} characters is over the limit of {MAX_OUTPUT}.", kind="limit")
        self.charge(length)

    def items(self, count: int) -> None:
        """Count a list of ``count`` items that is about to be made or walked."""
        if count > MAX_ITEMS:
            raise LanguageError(f"A list of {count} items is over the limit of {MAX_ITEMS}.", kind="limit")
        self.charge(count * ITEM_COST)

    def weigh(self, value: Any) -> None:
        """Count all of ``value`` before it is walked or written: a list that holds one large value twice is twice as large."""
        waiting = [value]
        while waiting:
            one = waiting.pop()
            if isinstance(one, str):
                self.charge(len(one))
                continue
            self.charge(ITEM_COST)
            if isinstance(one, dict):
                waiting.extend(one.values())
            elif isinstance(one, list):
                waiting.extend(one)

    def emit(self, length: int) -> None:
        """Count ``length`` characters of rendered text."""
        self.output += length
        if self.output > MAX_OUTPUT:
            raise LanguageError(f"The rendered text is longer than {MAX_OUTPUT} characters.", kind="limit")
