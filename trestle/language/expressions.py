"""One field's text: compiled once, cached, rendered over a scope."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from trestle.language.errors import LanguageError
from trestle.language.generation import Tables
from trestle.language.lexer import Segment, split
from trestle.language.limits import Meter
from trestle.language.lookup import Path, find
from trestle.language.machine import Program, machine
from trestle.language.operators import as_text
from trestle.language.references import whole
from trestle.language.scope import Scope
from trestle.language.translate import Translator

_CACHED = 2048


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled text. Immutable; may be shared by threads.

    ``single`` says that it is one ``{{ … }}`` alone, whose value keeps its type; otherwise it renders text.
    ``paths`` are all the paths into the scope that it mentions.
    """

    text: str
    single: bool
    paths: frozenset[Path]
    _program: Program | None
    _pieces: tuple[str | Path, ...]  # without a program: literal texts and bare paths, which need no machine

    def render(self, scope: Scope, *, field: str = "") -> Any:
        """The value over ``scope``: JSON. ``field`` is named in errors. Raises LanguageError.

        A bare path gives the scope's own object, not a copy: also a `Reference`. Anything else raises Unloaded where it comes
        upon one that isn't loaded.
        """
        try:
            if self._program is None:
                return self._plain(scope)
            running = machine()
            run = running.value if self.single else running.text
            return run(self._program, scope.roots, references=scope.references)
        except LanguageError as error:
            raise error.at(field, self.text) from None

    def _plain(self, scope: Scope) -> Any:
        if self.single:
            piece = self._pieces[0]
            return find(scope.roots, piece) if isinstance(piece, tuple) else piece
        meter = Meter()
        texts = [self._text(meter, scope, piece) if isinstance(piece, tuple) else piece for piece in self._pieces]
        meter.emit(sum(map(len, texts)))
        return "".join(texts)

    def _text(self, meter: Meter, scope: Scope, path: Path) -> str:
        value = find(scope.roots, path)
        return as_text(meter, whole(value) if scope.references else value)


@lru_cache(maxsize=_CACHED)
def compile_expression(text: str) -> Expression:
    """Compile a field's text; the same text is compiled once. Raises LanguageError (syntax, undefined root, limit)."""
    try:
        return _compile(text)
    except LanguageError as error:
        raise error.at("", text) from None


def _compile(text: str) -> Expression:
    segments = split(text)
    outputs = [segment for segment in segments if segment.kind == "output"]
    single = len(outputs) == 1 and all(segment is outputs[0] or not segment.text.strip() for segment in segments)
    tables = Tables()
    translator = Translator(tables)
    if single:
        code = translator.output(outputs[0])
        pieces = _pieces([code], tables)
        program = None if pieces else _loaded(f"{{{{ _keep({code}) }}}}", tables)
        return Expression(text, True, frozenset(tables.used), program, pieces)
    if any(segment.kind == "statement" for segment in segments):
        return Expression(text, False, *_program_of(segments, translator, tables), ())
    codes = [segment if segment.kind == "literal" else translator.output(segment) for segment in segments]
    pieces = _pieces(codes, tables)
    if len(pieces) == len(codes):
        return Expression(text, False, frozenset(tables.used), None, pieces)
    source = "".join(_literal(code, tables) if isinstance(code, Segment) else f"{{{{ _out({code}) }}}}" for code in codes)
    return Expression(text, False, frozenset(tables.used), _loaded(source, tables), ())


def _program_of(segments: list[Segment], translator: Translator, tables: Tables) -> tuple[frozenset[Path], Program]:
    source: list[str] = []
    for segment in segments:
        if segment.kind == "literal":
            source.append(_literal(segment, tables))
        elif segment.kind == "output":
            source.append(f"{{{{ _out({translator.output(segment)}) }}}}")
        else:
            source.append(f"{{% {translator.statement(segment)} %}}")
    return frozenset(tables.used), _loaded("".join(source), tables)


def _literal(segment: Segment, tables: Tables) -> str:
    # As a constant: counted each time a loop writes it, and never read by minijinja.
    tables.constants.append(segment.text)
    return f"{{{{ _literal({len(tables.constants) - 1}) }}}}"


def _pieces(codes: Iterable[str | Segment], tables: Tables) -> tuple[str | Path, ...]:
    """The codes as literal texts and paths, as long as they are nothing else."""
    pieces: list[str | Path] = []
    for code in codes:
        if isinstance(code, Segment):
            pieces.append(code.text)
        elif code.startswith("_p(") and code[3:-1].isdigit():
            pieces.append(tables.paths[int(code[3:-1])])
        else:
            return ()
    return tuple(pieces)


def _loaded(source: str, tables: Tables) -> Program:
    program = Program(source, tuple(tables.paths), tuple(tables.constants))
    machine().load(program)
    return program
