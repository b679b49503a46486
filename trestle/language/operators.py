"""Arithmetic, comparison, indexing: what minijinja's own operators would do unbounded, or silently wrong.

``"80" >= 80`` is an error that says so, not an answer. Integers are exact; texts and lists are counted before they are made.
"""

import math
from typing import Any, Final

from trestle.language.encoding import encode
from trestle.language.errors import LanguageError
from trestle.language.limits import ITEM_COST, Meter
from trestle.language.lookup import describe, get

_MAX_BITS: Final = 1024  # of an integer; a double's range


def chain(meter: Meter, operators: str, first: Any, *rest: Any) -> Any:
    """``first`` and the rest joined by the operators (separated by spaces), from left to right.

    ``~`` joins the texts of everything at once; ``**`` binds from the right, as in mathematics.
    """
    words = operators.split()
    if words[0] == "~":
        texts = [as_text(meter, value) for value in (first, *rest)]
        meter.text(sum(map(len, texts)))
        return "".join(texts)
    if words[0] == "**":
        value = rest[-1]
        for base in reversed((first, *rest[:-1])):
            value = _arithmetic("**", base, value)
        return value
    value = first
    for word, operand in zip(words, rest, strict=True):
        value = _plus(meter, value, operand) if word == "+" else _arithmetic(word, value, operand)
    return value


def _plus(meter: Meter, left: Any, right: Any) -> Any:
    if isinstance(left, str) and isinstance(right, str):
        meter.text(len(left) + len(right))
        return left + right
    if isinstance(left, list) and isinstance(right, list):
        meter.items(len(left) + len(right))
        return left + right
    if isinstance(left, str) or isinstance(right, str):
        raise LanguageError(
            f"{describe(left)} and {describe(right)} can't be added.", hint="Join texts with ~, or convert with |int or |float."
        )
    return _arithmetic("+", left, right)


def _arithmetic(word: str, left: Any, right: Any) -> int | float:
    left, right = number(left, word), number(right, word)
    try:
        value = _calculate(word, left, right)
    except ZeroDivisionError:
        raise LanguageError(f"Division by zero: {describe(left)} {word} 0.") from None
    except OverflowError:
        raise LanguageError(f"The result of `{word}` is too large a number.", kind="limit") from None
    if isinstance(value, complex) or (isinstance(value, float) and not math.isfinite(value)):
        raise LanguageError(f"The result of `{word}` is not a number.")
    if isinstance(value, int) and value.bit_length() > _MAX_BITS:
        raise LanguageError(f"The result of `{word}` is too large a number.", kind="limit")
    result: int | float = value
    return result


def _calculate(word: str, left: int | float, right: int | float) -> Any:
    match word:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
        case "/":
            return left / right
        case "//":
            return left // right
        case "%":
            return left % right
    if isinstance(left, int) and isinstance(right, int) and right > 0 and left.bit_length() * right > 2 * _MAX_BITS:
        raise OverflowError
    power: int | float = left**right
    return power


def number(value: Any, purpose: str) -> int | float:
    """``value`` if it is a number. Raises LanguageError (type) that tells how to convert it."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        hint = "Convert it first: |int or |float." if isinstance(value, str) else ""
        raise LanguageError(f"`{purpose}` needs numbers, and one is {describe(value)}.", hint=hint)
    return value


def negative(value: Any) -> int | float:
    """``-value``."""
    return -number(value, "-")


def positive(value: Any) -> int | float:
    """``+value``."""
    return number(value, "+")


def compare(meter: Meter, operators: str, first: Any, *rest: Any) -> bool:
    """Whether every comparison of ``first`` and the rest holds: ``a < b <= c``."""
    left = first
    for word, right in zip(operators.split(), rest, strict=True):
        if not _holds(meter, word, left, right):
            return False
        left = right
    return True


def _holds(meter: Meter, word: str, left: Any, right: Any) -> bool:
    if word in ("==", "!="):
        return equal(meter, left, right) == (word == "==")
    if word in ("in", "notin"):
        return contains(meter, right, left) == (word == "in")
    comparable(meter, left, right)
    match word:
        case "<":
            return bool(left < right)
        case "<=":
            return bool(left <= right)
        case ">":
            return bool(left > right)
    return bool(left >= right)


def equal(meter: Meter, left: Any, right: Any) -> bool:
    """JSON equality: 1 equals 1.0, and true is not 1."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, dict | list):
        meter.weigh(left)
    return bool(left == right)


def comparable(meter: Meter, left: Any, right: Any) -> None:
    """Raises LanguageError (type) unless both are numbers or both are texts, the two kinds with an order."""
    if isinstance(left, str) and isinstance(right, str):
        meter.charge(min(len(left), len(right)) // 64)
        return
    if any(isinstance(side, bool) or not isinstance(side, int | float) for side in (left, right)):
        text = isinstance(left, str) or isinstance(right, str)
        raise LanguageError(
            f"{describe(left)} and {describe(right)} have no order.", hint="Convert the text first: |int or |float." if text else ""
        )


def contains(meter: Meter, holder: Any, wanted: Any) -> bool:
    """Whether a text holds a text, a list an item, an object a key."""
    if isinstance(holder, str):
        if not isinstance(wanted, str):
            raise LanguageError(f"A text can't hold {describe(wanted)}.", hint="Convert it with |string.")
        meter.charge(len(holder) // 16)
        return wanted in holder
    if isinstance(holder, list):
        meter.charge(ITEM_COST * len(holder))
        return any(equal(meter, item, wanted) for item in holder)
    if isinstance(holder, dict):
        return isinstance(wanted, str) and wanted in holder
    raise LanguageError(f"`in` looks into a text, a list or an object, and this is {describe(holder)}.")


def slice_of(meter: Meter, value: Any, start: Any = None, stop: Any = None, step: Any = None) -> Any:
    """``value[start:stop:step]`` of a text or a list."""
    if not isinstance(value, str | list):
        raise LanguageError(f"A range like [0:10] is taken from a text or a list, and this is {describe(value)}.")
    for bound in (start, stop, step):
        if bound is not None and (isinstance(bound, bool) or not isinstance(bound, int)):
            raise LanguageError(f"A range is made of whole numbers, and one is {describe(bound)}.")
    if step == 0:
        raise LanguageError("The step of a range can't be 0.")
    count = len(range(*slice(start, stop, step).indices(len(value))))
    meter.text(count) if isinstance(value, str) else meter.items(count)
    return value[start:stop:step]


def get_item(value: Any, *keys: Any) -> Any:
    """A field of an object, an item of a list, a character of a text."""
    return get(value, *keys)


def as_text(meter: Meter, value: Any) -> str:
    """``value`` in the middle of a text: a text is itself, everything else is JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, list | dict):
        meter.weigh(value)
    text = encode(value)
    meter.text(len(text))
    return text
