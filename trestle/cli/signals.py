"""Waiting in the main thread for time to pass, a child to end, or somebody to ask for the end."""

from __future__ import annotations

import select
import signal
import socket
from types import FrameType

from trestle.cli.errors import StopRequested

_STOP = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Signals:
    """Turns signals into answers of `wait`. Installed for the whole life of the launcher; one per process, main thread only."""

    def __init__(self) -> None:
        self._read, self._write = socket.socketpair()
        self._read.setblocking(False)
        self._write.setblocking(False)
        self.stop_count = 0  # how often somebody asked: twice means hurry
        self._raised = False
        signal.set_wakeup_fd(self._write.fileno(), warn_on_full_buffer=False)
        for number in _STOP:
            signal.signal(number, self._on_stop)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)  # only its wake-up matters

    def _on_stop(self, _number: int, _frame: FrameType | None) -> None:
        self.stop_count += 1

    def wait(self, seconds: float) -> None:
        """Return after `seconds`, or sooner when a child ended or a stop was asked for. The first request raises StopRequested, once."""
        self._check()
        ready, _, _ = select.select([self._read], [], [], max(0.0, seconds))
        if ready:
            self._read.recv(4096)
        self._check()

    def _check(self) -> None:
        if self.stop_count and not self._raised:
            self._raised = True
            raise StopRequested
