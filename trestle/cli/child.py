"""One supervised process: what it is (`ChildSpec`, fixed) and how it is doing (`Child`)."""

from __future__ import annotations

import re
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from trestle.cli import logs
from trestle.cli.probes import Probe
from trestle.cli.spawning import kill_group, spawn

FIRST_DELAY_S = 0.5
MAX_DELAY_S = 10.0
HEALTHY_AFTER_S = 30.0  # a run this long clears the count of failures


@dataclass(frozen=True)
class ChildSpec:
    """How to start, probe and stop one process. This is the seam at which the supervisor's tests put stand-ins."""

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str]
    log: Path
    ready: Probe
    title: str = ""  # for messages; the name when empty
    start_timeout_s: float = 60
    stop_rank: int = 0  # lower ranks stop first; equal ranks together
    stop_signal: signal.Signals = signal.SIGTERM
    stop_timeout_s: float = 10
    may_be_hurried: bool = True  # whether a second Ctrl-C kills it instead of waiting
    death_signal: signal.Signals = signal.SIGKILL  # what it gets when the launcher is killed
    stdin: bytes | None = None
    root_mode: str = ""
    error_pattern: re.Pattern[str] = logs.ANY_ERROR
    owns_group: bool = True  # whatever is left of its session is killed when it ends


@dataclass
class Child:
    """The running state of one ChildSpec. Times are monotonic seconds."""

    spec: ChildSpec
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    ready: bool = False
    was_ready: bool = False  # ever
    missing: str = ""  # what the last probe missed
    failures: int = 0  # deaths since the last healthy run
    restart_at: float | None = None
    errors: logs.ErrorWatch = field(init=False)

    def __post_init__(self) -> None:
        self.errors = logs.ErrorWatch(self.spec.log, self.spec.error_pattern)

    @property
    def title(self) -> str:
        """The name for messages."""
        return self.spec.title or self.spec.name

    @property
    def pid(self) -> int | None:
        """The process id while it lives."""
        return self.process.pid if self.process and self.process.returncode is None else None

    def start(self) -> None:
        """Start the process; it is not ready yet."""
        with self.spec.log.open("ab") as output:
            self.process = spawn(
                self.spec.argv,
                env=self.spec.env,
                output=output,
                root_mode=self.spec.root_mode,
                death_signal=self.spec.death_signal,
                stdin=self.spec.stdin,
            )
        self.started_at, self.restart_at, self.ready, self.missing = time.monotonic(), None, False, ""

    def probe(self) -> bool:
        """Ask once whether it is ready."""
        if self.pid is not None and not self.ready:
            self.missing = self.spec.ready(self.pid) or ""
            self.ready = not self.missing
            self.was_ready = self.was_ready or self.ready
        return self.ready

    def has_died(self) -> bool:
        """True once after each death, which is then counted and a restart is due."""
        if self.process is None or self.restart_at is not None or self.process.poll() is None:
            return False
        if self.spec.owns_group:
            kill_group(self.process, signal.SIGKILL)
        now = time.monotonic()
        if self.ready and now - self.started_at >= HEALTHY_AFTER_S:
            self.failures = 0
        self.failures += 1
        self.ready = False
        self.restart_at = now + self.delay_s
        return True

    @property
    def delay_s(self) -> float:
        """How long to wait before the next start: 0.5 s, doubled with each failure, at most 10 s."""
        return min(MAX_DELAY_S, FIRST_DELAY_S * 2.0 ** max(0, self.failures - 1))

    @property
    def ending(self) -> str:
        """How the last run ended, in words."""
        code = self.process.returncode if self.process else None
        if code is not None and code < 0:
            return f"was killed by {signal.Signals(-code).name}"
        return f"ended with exit code {code}"
