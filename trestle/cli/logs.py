"""Log files of the children: bounded in size, quoted when something goes wrong, watched for errors."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path

MAX_BYTES = 20_000_000
_MAX_QUOTED = 240
_MAX_READ = 256_000

# A line that its own writer calls an error: structured (`"level": "error"`, `level='error'`), or by a level word where levels stand.
ANY_ERROR = re.compile(
    r'"level": ?"(error|critical)"|\blevel=[\'"]?(error|critical)\b|^(ERROR|CRITICAL)\b|\[(error|critical) *\]|^\S+ \S+ (ERROR|CRITICAL) '
)
# PostgreSQL calls a refused statement ERROR, and that is the statement's owner's business.
POSTGRES_ERROR = re.compile(
    r"PANIC: |No space left|could not (write|fsync|extend)|FATAL: (?!.*(terminating|starting up|shutting down|recovery))"
)
VALKEY_ERROR = re.compile(r"# (Fatal|FATAL|MISCONF|Bad file|Can't|Write error|Error)")

_TIME = re.compile(r"^(timestamp=)?['\"]?\d{4}-\d\d-\d\d[T ]\S+ ")


def rotate(path: Path) -> None:
    """Begin a new file; what was there becomes `<name>.1`."""
    if path.exists() and path.stat().st_size:
        path.replace(path.with_name(path.name + ".1"))


def bound(path: Path) -> None:
    """Empty a file that has grown past MAX_BYTES, after a copy to `<name>.1`. Its writer appends, and so goes on at the new end."""
    if path.exists() and path.stat().st_size > MAX_BYTES:
        shutil.copyfile(path, path.with_name(path.name + ".1"))
        with path.open("r+b") as file:
            file.truncate(0)


def tail(path: Path, lines: int = 12) -> str:
    """The last lines of a log, for a message; "" where there is none."""
    if not path.exists():
        return ""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 16_000))
        text = file.read().decode("utf-8", "replace")
    return "\n".join(line[:_MAX_QUOTED] for line in text.splitlines()[-lines:])


@dataclass
class ErrorWatch:
    """Reads what was added to a log since the last look, and picks the error lines out of it."""

    path: Path
    pattern: re.Pattern[str]
    _position: int = field(default=0, init=False)

    def new_errors(self) -> list[str]:
        """Error lines since the last call, shortened to what a person needs."""
        size = self.path.stat().st_size if self.path.exists() else 0
        if size < self._position:
            self._position = 0  # rotated or emptied
        if size == self._position:
            return []
        with self.path.open("rb") as file:
            file.seek(max(self._position, size - _MAX_READ))
            added = file.read(_MAX_READ)
        whole, newline, _rest = added.rpartition(b"\n")
        self._position = size - len(added) + len(whole) + len(newline)  # a line still being written is read next time
        lines = whole.decode("utf-8", "replace").splitlines()
        return [_readable(line) for line in lines if self.pattern.search(line)]


def _readable(line: str) -> str:
    """A structured line as text: the event and its error; any other line without its time."""
    line = _TIME.sub("", line)
    try:
        entry = json.loads(line)
    except ValueError:
        return line[:_MAX_QUOTED]
    if not isinstance(entry, dict):
        return line[:_MAX_QUOTED]
    parts = [str(entry[name]) for name in ("event", "error", "exc_type", "message") if entry.get(name)]
    return ": ".join(parts)[:_MAX_QUOTED] or line[:_MAX_QUOTED]
