"""Keeps the children running: starts them, waits until they are ready, restarts those that die, and stops all in order."""

from __future__ import annotations

import signal
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from trestle.cli import logs, orphans
from trestle.cli.child import Child, ChildSpec
from trestle.cli.console import Console
from trestle.cli.errors import LaunchError, StopRequested
from trestle.cli.signals import Signals
from trestle.cli.spawning import kill_group

_STARTING_TICK_S = 0.05
_IDLE_TICK_S = 2.0
_MAX_FAILED_STARTS = 3  # before the first success; later it never gives up
_MAX_QUOTED_ERRORS = 3  # per child and minute


class Supervisor:
    """Owns every child process of one launcher. As a context manager it stops them all, however the block ends."""

    def __init__(self, console: Console, signals: Signals, record: Path) -> None:
        self._console = console
        self._signals = signals
        self._record = record  # file with the running children, for the next launcher after a kill -9
        self._children: list[Child] = []
        self._quoted: dict[str, tuple[float, int]] = {}

    def __enter__(self) -> Supervisor:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def start(self, spec: ChildSpec) -> Child:
        """Start a child and look after it from now on. It is not ready yet: see `wait_ready`."""
        logs.rotate(spec.log)
        child = Child(spec)
        self._children.append(child)
        self._launch(child)
        return child

    def wait_ready(self, children: Sequence[Child]) -> None:
        """Until every one is ready. Raises LaunchError, with the end of the log, when one keeps dying or takes too long from now on."""
        began = time.monotonic()
        while not all(child.ready for child in children):
            self._tick()
            for child in children:
                if not child.was_ready and child.failures >= _MAX_FAILED_STARTS:
                    raise LaunchError(f"{child.title} does not start: it {child.ending}.{self._quote(child)}")
                if not child.ready and time.monotonic() - max(child.started_at, began) > child.spec.start_timeout_s:
                    waited = f"{child.spec.start_timeout_s:.0f} s"
                    raise LaunchError(
                        f"{child.title} is not ready after {waited}: {child.missing or 'it says nothing'}.{self._quote(child)}"
                    )
            self._signals.wait(_STARTING_TICK_S)

    def run_to_end(self, spec: ChildSpec) -> None:
        """Run a command that ends by itself. Raises LaunchError, with the end of its log, when it fails or takes too long."""
        task = self.start(spec)
        self._children.remove(task)  # not to be restarted
        try:
            while task.process is not None and task.process.poll() is None:
                if time.monotonic() - task.started_at > spec.start_timeout_s:
                    raise LaunchError(f"{task.title} takes more than {spec.start_timeout_s:.0f} s.{self._quote(task)}")
                self._tick()
                self._signals.wait(_STARTING_TICK_S)
        except (LaunchError, StopRequested):
            self._end([task], patience_s=5)
            raise
        if task.process is not None and task.process.returncode != 0:
            raise LaunchError(f"{task.title} failed: it {task.ending}.{self._quote(task)}")

    def run(self) -> None:
        """Look after the children until StopRequested comes out of the wait."""
        while True:
            self._tick()
            unready = [child for child in self._children if not child.ready]
            self._signals.wait(_STARTING_TICK_S * 4 if unready else _IDLE_TICK_S)

    def stop(self) -> None:
        """End every child, rank by rank, each rank together. A second Ctrl-C cuts the patience short. Safe to call again."""
        for rank in sorted({child.spec.stop_rank for child in self._children}):
            together = [child for child in self._children if child.spec.stop_rank == rank]
            self._end(together, patience_s=max(child.spec.stop_timeout_s for child in together))
        self._children.clear()
        orphans.write(self._record, [])

    def _end(self, children: Sequence[Child], patience_s: float) -> None:
        for child in children:
            if child.process is not None and child.pid is not None:
                child.process.send_signal(child.spec.stop_signal)
        deadline = time.monotonic() + patience_s
        while any(child.process is not None and child.process.poll() is None for child in children):
            hurried = self._signals.stop_count > 1 and all(child.spec.may_be_hurried for child in children)
            if hurried or time.monotonic() > deadline:
                break
            try:
                self._signals.wait(_STARTING_TICK_S)
            except StopRequested:
                continue  # already stopping for another reason
        for child in children:
            if child.process is None:
                continue
            if child.process.poll() is None:
                self._console.warn(f"{child.title} did not stop in time and was killed.")
            if child.process.poll() is None or child.spec.owns_group:
                kill_group(child.process, signal.SIGKILL)
            child.process.wait()

    def _tick(self) -> None:
        now = time.monotonic()
        for child in self._children:
            logs.bound(child.spec.log)
            if child.has_died():
                self._console.warn(f"{child.title} {child.ending}; starting it again in {child.delay_s:g} s.")
            elif child.restart_at is not None and now >= child.restart_at:
                self._launch(child)
            elif child.pid is not None and not child.ready:
                self._check_start(child, now)
            self._report_errors(child, now)

    def _check_start(self, child: Child, now: float) -> None:
        restarted = child.was_ready
        if child.probe():
            if restarted:
                self._console.warn(f"{child.title} is back.")
        elif restarted and now - child.started_at > child.spec.start_timeout_s and child.process is not None:
            self._console.warn(f"{child.title} hangs while starting ({child.missing}); killing it.")
            kill_group(child.process, signal.SIGKILL)

    def _launch(self, child: Child) -> None:
        child.start()
        orphans.write(self._record, [(other.spec.name, other.pid) for other in self._children if other.pid is not None])

    def _report_errors(self, child: Child, now: float) -> None:
        errors = child.errors.new_errors()
        if not errors:
            return
        since, count = self._quoted.get(child.spec.name, (now, 0))
        if now - since > 60:
            since, count = now, 0
        for line in errors[: max(0, _MAX_QUOTED_ERRORS - count)]:
            self._console.warn(f"{child.title}: {line}")
        if count < _MAX_QUOTED_ERRORS <= count + len(errors):
            self._console.warn(f"{child.title}: more of this, if any, in {child.spec.log}")
        self._quoted[child.spec.name] = since, count + len(errors)

    def _quote(self, child: Child) -> str:
        text = logs.tail(child.spec.log)
        return f" The end of {child.spec.log}:\n{text}" if text else f" Its log {child.spec.log} is empty."
