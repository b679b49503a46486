"""A launcher as a test sees it: a real process, its output, its children, the signals it gets."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from trestle.cli.services import PROJECT

READY = "Trestle is ready"


class Launched:
    """A running `python -m trestle up`. Its lines are read as they come."""

    def __init__(self, arguments: list[str], env: Mapping[str, str], cwd: Path) -> None:
        command = [sys.executable, "-m", "trestle", *arguments]
        # A session of its own, as a terminal would give it; no terminal on stdout.
        self.process = subprocess.Popen(
            command, env=dict(env), cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
        )
        self.lines: list[str] = []
        self._arriving: queue.Queue[str | None] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._arriving.put(line.rstrip("\n"))
        self._arriving.put(None)

    @property
    def output(self) -> str:
        """Everything it has said so far."""
        return "\n".join(self.lines)

    def wait_for(self, text: str, *, timeout_s: float = 60) -> str:
        """The next line that holds `text`. Fails with all that was said when it doesn't come."""
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                line = self._arriving.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"{text!r} was not said within {timeout_s} s, but:\n{self.output}") from None
            if line is None:
                raise AssertionError(f"{text!r} was not said before the end, but:\n{self.output}")
            self.lines.append(line)
            if text in line:
                return line

    def end(self, number: signal.Signals | None = signal.SIGINT, *, timeout_s: float = 60) -> int:
        """Send a signal (None: just wait) and answer the exit code."""
        if number is not None:
            self.process.send_signal(number)
        code = self.process.wait(timeout_s)
        self._reader.join(5)
        while not self._arriving.empty():
            if (line := self._arriving.get()) is not None:
                self.lines.append(line)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code

    def children(self) -> dict[str, int]:
        """Process ids of the direct children by what they run: postgres, valkey, backend, executor, web."""
        return children_of(self.process.pid)


def children_of(parent: int) -> dict[str, int]:
    """Direct children of a process by the program they run."""
    found: dict[str, int] = {}
    listing = subprocess.run(["ps", "-eww", "-o", "pid=,ppid=,args="], capture_output=True, text=True, check=True).stdout
    for line in listing.splitlines():
        pid, ppid, command = line.split(maxsplit=2)
        if int(ppid) != parent:
            continue
        for name in ("postgres", "valkey"):
            if f"/{name}" in command.split()[0]:
                found[name] = int(pid)
        for name in ("backend", "executor", "web"):
            if f"-m {name}" in command:
                found[name] = int(pid)
    return found


@contextmanager
def launched(
    home: Path, *, backend_port: int, web_port: int, env: Mapping[str, str] | None = None, cwd: Path = PROJECT
) -> Iterator[Launched]:
    """A launcher on `home`, ended with the block whatever happens in it."""
    inherited = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")}
    ports = {"TRESTLE_BACKEND_PORT": str(backend_port), "TRESTLE_WEB_PORT": str(web_port)}
    process = Launched(["up", "--home", str(home)], {**inherited, **ports, "PYTHONPATH": str(PROJECT), **(env or {})}, cwd)
    try:
        yield process
    finally:
        if process.process.poll() is None:
            process.end(signal.SIGTERM)
        elif process.process.stdout is not None:
            process.end(None)


def is_alive(pid: int) -> bool:
    """Whether a process lives; one that has ended and waits to be collected does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_until_gone(pids: Mapping[str, int], *, timeout_s: float = 15) -> None:
    """Until every one of them has ended. Fails naming those that live on."""
    deadline = time.monotonic() + timeout_s
    while left := {name: pid for name, pid in pids.items() if is_alive(pid)}:
        assert time.monotonic() < deadline, f"still there after {timeout_s} s: {left}"
        time.sleep(0.05)
