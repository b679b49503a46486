"""The quarantine lane (PROTOCOL 10): a process of its own for executions under which executors kept dying.

Most of them are innocent: they ran beside the one that kills. So several share a lane; when it dies, the backend has each of them run
alone in one. Whoever starts it lives on when such an execution kills it, and tells the backend, which then knows for certain.
"""

import asyncio
import os
import signal
import sys
import threading
import time
from uuid import UUID

import structlog

from executor.api import Api, BackendAway, BackendRefused
from trestle.contracts.jobs import Died

ARGUMENT = "--quarantine"
LANE_AT_ONCE = 20
"""Suspects that share a lane."""
GAP_S = 2.0
"""From the start of one lane to that of the next, at least."""
STOP_S = 5.0
"""What a lane may take to stop beyond the drain before it is killed."""
MAX_PAUSE_S = 2.0

_log = structlog.get_logger("executor.lane")


class Lane:
    """At most one process at a time, started when it is wanted. `command` is how."""

    def __init__(self, api: Api, command: tuple[str, ...] | None = None) -> None:
        self._api = api
        self._command = command or (sys.executable, "-m", "executor", ARGUMENT, str(os.getpid()))
        self._task: asyncio.Task[None] | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._started_at = -GAP_S
        self._wanted = False
        self._stopping = False

    def want(self) -> None:
        """Executions wait for a lane: starts one, if none runs; else another when that one has ended, which may just be leaving."""
        self._wanted = True
        if not self._stopping and (self._task is None or self._task.done()):
            self._task = asyncio.create_task(self._work())

    async def stop(self, drain_s: float) -> None:
        """Drains the lane, and returns when it has ended."""
        self._stopping = True
        if self._task is None:
            return
        if self._process is None:
            self._task.cancel()
        else:
            _signal(self._process, signal.SIGTERM)
        _, late = await asyncio.wait([self._task], timeout=drain_s + STOP_S)
        if late and self._process is not None:
            _signal(self._process, signal.SIGKILL)
            await asyncio.wait([self._task])

    async def _work(self) -> None:
        while self._wanted and not self._stopping:
            self._wanted = False
            await self._run()

    async def _run(self) -> None:
        await asyncio.sleep(max(self._started_at + GAP_S - time.monotonic(), 0))
        self._started_at = time.monotonic()
        try:
            # From the main thread: the kernel ends the lane with the thread that started it.
            process = await asyncio.create_subprocess_exec(*self._command, stdout=asyncio.subprocess.PIPE)
        except OSError as error:
            _log.error("a quarantine lane can't be started", reason=str(error))
            return
        self._process = process
        _log.info("a quarantine lane was started", pid=process.pid)
        try:
            if self._stopping:
                _signal(process, signal.SIGTERM)
            lane_id = await _told_id(process)
            code = await process.wait()
        finally:
            self._process = None
        if code != 0 and lane_id is not None and not self._stopping:
            _log.warning("the quarantine lane died", lane=str(lane_id), code=code)
            await self._tell(lane_id)
            self._wanted = True  # what it had not come to yet still waits, perhaps also what killed it

    async def _tell(self, lane_id: UUID) -> None:
        pause = 0.1
        while True:
            try:
                await self._api.died(Died(executor_id=lane_id))
                return
            except BackendAway:
                await asyncio.sleep(pause)
                pause = min(pause * 2, MAX_PAUSE_S)
            except BackendRefused as refusal:
                _log.error("the backend does not hear of the lane's death", status=refusal.status, detail=refusal.detail)
                return


async def _told_id(process: asyncio.subprocess.Process) -> UUID | None:
    """The id as which the lane registered: the one line that it writes. None where it ended before."""
    if process.stdout is None:
        return None
    line = await process.stdout.readline()
    try:
        return UUID(line.decode().strip())
    except ValueError:
        return None


def _signal(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)
    except ProcessLookupError:
        return  # it has just ended


# in the lane's own process


def tell_parent(executor_id: UUID) -> None:
    """The lane says who it is. From here on, whatever a node prints goes where errors go: nobody reads this pipe any more."""
    sys.stdout.write(f"{executor_id}\n")
    sys.stdout.flush()
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())


def die_with(parent: int) -> None:
    """Lets this process be killed when its parent has died, however that happens."""
    if sys.platform == "linux":
        import ctypes

        set_death_signal = 1  # PR_SET_PDEATHSIG
        ctypes.CDLL(None, use_errno=True).prctl(set_death_signal, int(signal.SIGKILL), 0, 0, 0)
    else:
        threading.Thread(target=_watch, args=(parent,), daemon=True).start()
    if os.getppid() != parent:
        os._exit(1)  # it had died before


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)
