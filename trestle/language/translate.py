"""Translates what a person writes into what the virtual machine runs.

The source that reaches minijinja is generated here and holds nothing but literals, ``and``/``or``/``not``/``if``, loops, and calls of
the guard functions in ``machine.py``. There is no syntax in it for an attribute, a method or a name of minijinja's own, whatever the
author wrote: what this parser doesn't know doesn't exist. Compiling also tells which names a field uses and what is misspelt.
"""

from collections.abc import Callable
from functools import partial
from typing import Final

from trestle.language.cursor import float_, integer, syntax
from trestle.language.errors import LanguageError
from trestle.language.filters import FILTERS
from trestle.language.functions import FUNCTIONS, TESTS
from trestle.language.generation import LOOP, MAX_ARGUMENTS, Generator, Part, Tables
from trestle.language.lexer import Segment, Token
from trestle.language.lookup import suggest
from trestle.language.scope import ROOTS

_COMPARISONS: Final = ("==", "!=", "<", "<=", ">", ">=")
_CONSTANTS: Final = {"true": "true", "True": "true", "false": "false", "False": "false", "none": "none", "None": "none", "null": "none"}
_RESERVED: Final = frozenset({"and", "or", "not", "if", "else", "in", "is", "for", "loop", *_CONSTANTS})
_REFUSED: Final = ("macro", "call", "include", "import", "from", "extends", "block", "filter", "do", "autoescape", "raw", "with")


class Translator(Generator):
    """Parses one expression after another into the same tables, with the names that loops and ``set`` have made so far."""

    def __init__(self, tables: Tables) -> None:
        super().__init__(tables)
        self.scopes: list[set[str]] = [set()]
        self.loops = 0

    # Statements

    def output(self, segment: Segment) -> str:
        """The code of a ``{{ … }}``."""
        self._start(segment)
        code = self._code(self._ternary())
        self._expect_end()
        return code

    def statement(self, segment: Segment) -> str:
        """The inside of a ``{% … %}``."""
        self._start(segment)
        word = self._name("a statement")
        if word == "for":
            code = self._for()
        elif word in ("if", "elif"):
            code = f"{word} {self._code(self._ternary())}"
        elif word == "set":
            name = self._target()
            self._expect("=")
            code = f"set v_{name} = {self._code(self._ternary())}"
            self.scopes[-1].add(name)
        elif word == "endfor":
            if len(self.scopes) < 2:
                raise syntax("`{% endfor %}` closes nothing.")
            self.scopes.pop()
            self.loops -= 1
            code = word
        elif word in ("else", "endif"):
            code = word
        else:
            hint = "There are if, elif, else, for and set." if word in _REFUSED else suggest(word, ("if", "elif", "else", "for", "set"))
            raise syntax(f"`{word}` is not a statement of this language.", hint)
        self._expect_end()
        return code

    def _for(self) -> str:
        names = [self._target()]
        while self._take("op", ","):
            names.append(self._target())
        if not self._take("name", "in"):
            raise syntax("`for` needs the form `for x in list`.")
        items = self._code(self._or())
        self.scopes.append(set(names))
        self.loops += 1
        condition = f" if {self._code(self._or())}" if self._take("name", "if") else ""
        return f"for {', '.join('v_' + name for name in names)} in _iter({items}, {len(names)}){condition}"

    def _target(self) -> str:
        name = self._name("a name")
        if name in ROOTS or name in _RESERVED:
            raise syntax(f"`{name}` already has a meaning.", "Choose another name.")
        return name

    # Expressions, the loosest binding first

    def _ternary(self) -> Part:
        value = self._or()
        while self._take("name", "if"):
            condition = self._code(self._or())
            if self._take("name", "else"):
                value = Part(f"({self._code(value)} if {condition} else {self._code(self._ternary())})")
            else:
                value = Part(f"({self._code(value)} if {condition} else none)")
        return value

    def _or(self) -> Part:
        return self._logic("or", self._and)

    def _and(self) -> Part:
        return self._logic("and", self._not)

    def _logic(self, word: str, operand: Callable[[], Part]) -> Part:
        first: Part = operand()
        if not self._peek("name", word):
            return first
        codes = [self._code(first)]
        while self._take("name", word):
            codes.append(self._code(operand()))
        return Part("(" + f" {word} ".join(codes) + ")")

    def _not(self) -> Part:
        if self._take("name", "not"):
            with_depth = self._nested(self._not)
            return Part(f"(not {self._code(with_depth)})")
        return self._comparison()

    def _comparison(self) -> Part:
        first = self._sum()
        operators: list[str] = []
        codes: list[str] = []
        while True:
            token = self._tokens[self._at]
            if token.kind == "op" and token.value in _COMPARISONS:
                self._at += 1
                operators.append(token.value)
            elif self._take("name", "in"):
                operators.append("in")
            elif token == Token("name", "not") and self._tokens[self._at + 1] == Token("name", "in"):
                self._at += 2
                operators.append("notin")
            elif token.kind == "op" and token.value == "=":
                raise syntax("`=` sets a value.", "To compare, write `==`.")
            else:
                break
            codes.append(self._code(self._sum()))
        if not operators:
            return first
        return Part(f"_compare('{' '.join(operators)}', {', '.join([self._code(first), *codes])})")

    def _sum(self) -> Part:
        return self._chain(("+", "-"), self._concat)

    def _concat(self) -> Part:
        return self._chain(("~",), self._product)

    def _product(self) -> Part:
        return self._chain(("*", "/", "//", "%"), self._power)

    def _power(self) -> Part:
        return self._chain(("**",), self._unary)

    def _chain(self, words: tuple[str, ...], operand: Callable[[], Part]) -> Part:
        """Operators of one rank, from left to right, as one call: a long sum is then not a deep one."""
        value: Part = operand()
        while self._tokens[self._at].kind == "op" and self._tokens[self._at].value in words:
            operators: list[str] = []
            codes = [self._code(value)]
            while self._tokens[self._at].kind == "op" and self._tokens[self._at].value in words and len(codes) < MAX_ARGUMENTS:
                operators.append(self._tokens[self._at].value)
                self._at += 1
                codes.append(self._code(operand()))
            value = Part(f"_chain('{' '.join(operators)}', {', '.join(codes)})")
        return value

    def _unary(self) -> Part:
        for sign, function in (("-", "_negative"), ("+", "_positive")):
            if self._take("op", sign):
                return self._filters(Part(f"{function}({self._code(self._nested(self._unary_operand))})"))
        return self._filters(self._postfix(self._primary()))

    def _unary_operand(self) -> Part:
        if self._peek("op", "-") or self._peek("op", "+"):
            return self._unary()
        return self._postfix(self._primary())

    def _filters(self, value: Part) -> Part:
        while True:
            if self._take("op", "|"):
                value = self._filter(value)
            elif self._take("name", "is"):
                value = self._test(value)
            else:
                return value

    def _filter(self, value: Part) -> Part:
        name = self._name("a filter")
        arguments = self._arguments() if self._take("op", "(") else []
        if name in ("default", "d"):
            return self._default(value, arguments)
        if name not in FILTERS:
            raise syntax(f"There is no filter `{name}`.", suggest(name, (*FILTERS, "default")))
        return Part(f"f_{name}({', '.join([self._code(value), *arguments])})")

    def _default(self, value: Part, arguments: list[str]) -> Part:
        """``default`` is the one filter whose operand may be undefined."""
        values = [argument.removeprefix("default_value=").removeprefix("boolean=") for argument in arguments]
        other, also_empty = (*values, "''", "false")[:2] if len(values) != 1 else (values[0], "false")
        if len(values) > 2 or also_empty not in ("true", "false"):
            raise syntax("`default` takes a value and whether to use it for empty values too: default('-', true).")
        there = self._exists(value)
        # Each piece of code stands here once (but for the small path): nested defaults would otherwise double it at each level.
        kept = f"({self._code(value)} or {other})" if also_empty == "true" else self._code(value)
        if not there:
            return Part(kept)
        if also_empty == "true":
            return Part(f"(({self._code(value)} if {there} else none) or {other})")
        return Part(f"({kept} if {there} else {other})")

    def _test(self, value: Part) -> Part:
        negated = self._take("name", "not")
        name = self._name("a test")
        if name in ("defined", "undefined"):
            code = self._exists(value) or "true"
            negated = negated != (name == "undefined")
        elif name in TESTS:
            token = self._tokens[self._at]
            arguments: list[str] = []
            if self._take("op", "("):
                arguments = self._arguments()
            elif token.kind in ("int", "float", "text") or (
                token.kind == "name" and token.value not in ("and", "or", "else", "is", "if", "not", "in")
            ):
                arguments = [self._code(self._postfix(self._primary()))]
            code = f"t_{name}({', '.join([self._code(value), *arguments])})"
        else:
            raise syntax(f"There is no test `{name}`.", suggest(name, (*TESTS, "defined", "undefined")))
        return Part(f"(not {code})" if negated else code)

    def _postfix(self, value: Part) -> Part:
        while True:
            if self._take("op", "."):
                token = self._tokens[self._at]
                if token.kind not in ("name", "int"):
                    raise syntax("A name must follow the dot.", "Other keys are written in brackets: payload['my key'].")
                self._at += 1
                value = self._step(value, token.value if token.kind == "name" else int(token.value))
            elif self._take("op", "["):
                value = self._nested(partial(self._subscript, value))
            elif self._peek("op", "("):
                raise syntax(
                    "Values can't be called: there are no methods.", "Use a filter: {{ payload.name|upper }}, {{ payload.items|length }}."
                )
            else:
                return value

    def _step(self, value: Part, key: str | int) -> Part:
        if value.path is not None:
            return Part(path=(*value.path, key))
        if value.local is not None and value.local[0] == "loop":
            if len(value.local) > 1 or key not in LOOP:
                raise syntax(f"`loop` has no `{key}`.", suggest(str(key), LOOP))
            return Part(local=("loop", key))
        if value.local is not None:
            return Part(local=(*value.local, key))
        return Part(f"_get({value.code}, {self._constant(key)})")

    def _subscript(self, value: Part) -> Part:
        token, after = self._tokens[self._at], self._tokens[self._at + 1]
        sign = 1
        if token == Token("op", "-") and after.kind == "int":
            sign, token, after = -1, after, self._tokens[self._at + 2]
        if token.kind in ("int", "text") and after == Token("op", "]"):
            self._at += 2 if sign == 1 else 3
            return self._step(value, token.value if token.kind == "text" else sign * integer(token.value))
        bounds: list[str] = [""]
        while not self._take("op", "]"):
            if self._take("op", ":"):
                bounds.append("")
            elif bounds[-1]:
                raise syntax("`]` is missing.")
            else:
                bounds[-1] = self._code(self._ternary())
        if len(bounds) > 3 or bounds == [""]:
            raise syntax("Brackets hold a key, an index, or a range like [0:10].")
        if len(bounds) == 1:
            return Part(f"_get({self._code(value)}, {bounds[0]})")
        return Part(f"_slice({', '.join([self._code(value), *(bound or 'none' for bound in bounds)])})")

    def _primary(self) -> Part:
        token = self._tokens[self._at]
        self._at += 1
        if token.kind == "text":
            return Part(self._constant(token.value))
        if token.kind == "int":
            return Part(self._constant(integer(token.value)))
        if token.kind == "float":
            return Part(self._constant(float_(token.value)))
        if token.kind == "name":
            return self._named(token.value)
        if token.value == "(":
            return self._nested(self._group)
        if token.value == "[":
            return self._nested(lambda: Part(self._call("_list", self._items("]"))))
        if token.value == "{":
            return self._nested(lambda: Part(self._call("_dict", self._pairs())))
        raise syntax(f"A value is missing before `{token.value}`." if token.value else "A value is missing at the end.")

    def _named(self, name: str) -> Part:
        if name in _CONSTANTS:
            return Part(_CONSTANTS[name])
        if name == "loop" and self.loops:
            return Part(local=("loop",))
        if any(name in scope for scope in self.scopes):
            return Part(local=(name,))
        if self._peek("op", "("):
            if name not in FUNCTIONS:
                raise syntax(f"There is no function `{name}`.", suggest(name, FUNCTIONS))
            self._at += 1
            return Part(self._call("g_" + name, self._arguments()))
        if name in ROOTS:
            return Part(path=(name,))
        if name in _RESERVED:
            raise syntax(f"A value is missing before `{name}`.")
        raise LanguageError(f"`{name}` is not a name here.", kind="undefined", hint=suggest(name, ROOTS))

    def _group(self) -> Part:
        value = self._ternary() if not self._peek("op", ")") else Part("_list()")
        if self._take("op", ")"):
            return value
        self._expect(",")
        return Part(self._call("_list", [self._code(value), *self._items(")")]))

    def _items(self, closing: str) -> list[str]:
        items: list[str] = []
        while not self._take("op", closing):
            items.append(self._code(self._ternary()))
            if not self._peek("op", closing):
                self._expect(",")
        return items

    def _pairs(self) -> list[str]:
        pairs: list[str] = []
        while not self._take("op", "}"):
            pairs.append(self._code(self._ternary()))
            self._expect(":")
            pairs.append(self._code(self._ternary()))
            if not self._peek("op", "}"):
                self._expect(",")
        return pairs

    def _arguments(self) -> list[str]:
        return self._nested(self._argument_list)

    def _argument_list(self) -> list[str]:
        arguments: list[str] = []
        while not self._take("op", ")"):
            token, after = self._tokens[self._at], self._tokens[self._at + 1]
            prefix = ""
            if token.kind == "name" and after == Token("op", "="):
                self._at += 2
                if token.value.startswith("_") or not token.value.isascii() or token.value in _RESERVED:
                    raise syntax(f"There is no argument `{token.value}`.")
                prefix = token.value + "="
            arguments.append(prefix + self._code(self._ternary()))
            if not self._peek("op", ")"):
                self._expect(",")
        return arguments
