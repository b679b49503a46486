"""What the launcher says. Whole lines only, so that it reads the same on a terminal, in a pipe and in a CI log."""

from __future__ import annotations

import os
import sys
import time
from typing import TextIO

_COLOURS = {"green": "32", "yellow": "33", "red": "31", "bold": "1", "dim": "2"}


class Console:
    """Writes progress to `stream`. A stream that was closed (`| head`, a terminal that went away) is no reason to stop anything."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self._colours = self._stream.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
        encoding = (self._stream.encoding or "ascii").lower()
        self._marks = {"done": "✓", "doing": "·", "warn": "!"} if "utf" in encoding else {"done": "+", "doing": "-", "warn": "!"}
        self.began = time.monotonic()

    def doing(self, text: str) -> None:
        """A longer step begins."""
        self._line(f"  {self._marks['doing']} {text}", "dim")

    def done(self, text: str, seconds: float) -> None:
        """A step has ended well."""
        self._line(f"  {self._paint(self._marks['done'], 'green')} {text} {self._paint(f'({seconds:.1f} s)', 'dim')}")

    def warn(self, text: str) -> None:
        """Something a person may want to know, while everything goes on."""
        self._line(f"{time.strftime('%H:%M:%S')} {self._paint(self._marks['warn'], 'yellow')} {text}")

    def say(self, text: str) -> None:
        """A line as it is."""
        self._line(text)

    def bold(self, text: str) -> str:
        """`text`, set off where the terminal can."""
        return self._paint(text, "bold")

    def _paint(self, text: str, colour: str) -> str:
        return f"\033[{_COLOURS[colour]}m{text}\033[0m" if self._colours else text

    def _line(self, text: str, colour: str | None = None) -> None:
        encoding = self._stream.encoding or "ascii"
        printable = text.encode(encoding, "replace").decode(encoding)
        try:
            self._stream.write((self._paint(printable, colour) if colour else printable) + "\n")
            self._stream.flush()
        except OSError:
            self._stream = open(os.devnull, "w")  # noqa: SIM115 - lives as long as the process
