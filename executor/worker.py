"""One executor process at work: takes executions, runs them side by side, and drains."""

import asyncio
import time
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

import structlog

from executor.api import Api, BackendAway, BackendRefused
from executor.blobs import BackendBlobs
from executor.chores import perform
from executor.clock import BackendClock, Lease
from executor.desk import BackendDesk
from executor.engine import Engine, Result
from executor.holdings import Held, Holdings
from executor.lane import Lane
from executor.programs import Programs
from executor.pulse import Pulse
from executor.queue import Queue, QueueAway
from executor.registry import Registry
from executor.reports import Channel, Courier, Dropped
from executor.run import Halt, Run
from executor.seams import Throttle
from executor.taking import Taker
from executor.vault import Vault
from trestle.contracts.executions import StepError
from trestle.contracts.jobs import Ending, Job, Release, Verdict

if TYPE_CHECKING:
    from trestle.outbound import OutboundClient

RELEASE_S = 5.0
MAX_PAUSE_S = 2.0

_log = structlog.get_logger("executor.worker")


class Worker:
    """Runs until `stop` is called, then drains. `run` is called once, after the process has registered.

    `lane`: starts quarantine lanes; None in a process that is one. That one takes no ids, and ends when nothing is left for it.
    """

    def __init__(
        self,
        api: Api,
        queue: Queue,
        registry: Registry,
        http: "OutboundClient",
        *,
        throttle: Throttle,
        concurrency: int,
        drain_s: float,
        lane: Lane | None,
    ) -> None:
        self._api = api
        self._queue = queue
        self._http = http
        self._drain_s = drain_s
        self._lane = lane
        self._clock = BackendClock()
        self._courier = Courier(api.report, self._on_report_verdict, lambda answers: self._clock.set(answers.now))
        self._programs = Programs(api, registry)
        self._vault = Vault(api)
        self._desk = BackendDesk(api)
        self._throttle = throttle
        self._blobs = BackendBlobs(api)
        self._holdings = Holdings()
        self._pulse = Pulse(api, queue, self._clock, self._holdings)
        self._taker = Taker(
            api,
            queue,
            self._clock,
            self._holdings,
            concurrency=concurrency,
            begin=self._begin,
            on_quarantine=self._want_lane,
        )
        self._stopping = asyncio.Event()

    @property
    def running(self) -> int:
        """How many executions it holds."""
        return len(self._holdings)

    def stop(self) -> None:
        """Asks it to drain and to end."""
        self._stopping.set()

    async def run(self) -> None:
        """Works until stopped, or until a lane is clear; then drains."""
        pulse = self._pulse
        service = [_task(work) for work in (self._courier.run(), pulse.beat(), pulse.keep(), pulse.tell(), pulse.listen())]
        fetching = _task(self._taker.fetch() if self._lane is not None else self._taker.clear())
        stopping = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait([*service, fetching, stopping], return_when=asyncio.FIRST_COMPLETED)
            await self._drain(fetching)
        finally:
            stopping.cancel()
            for task in service:
                task.cancel()
            ended = await asyncio.gather(*service, fetching, return_exceptions=True)
        await self._release([], leaving=True)  # after the last heartbeat: that would say we are back
        for outcome in ended:
            if isinstance(outcome, Exception):
                raise outcome

    def _want_lane(self) -> None:
        if self._lane is not None and not self._stopping.is_set():
            self._lane.want()

    # running

    def _begin(self, job: Job, sent_at: float) -> None:
        known = self._holdings.get(job.execution_id)
        if known is not None:
            if known.job.epoch >= job.epoch:
                return
            self._holdings.lose(known, Verdict.STALE)
        channel = self._courier.open(job.execution_id, job.epoch)
        held = Held(job, channel, Lease(sent_at, self._api.registered.lease_s, self._pulse.asked))
        if self._stopping.is_set():
            held.halt(Halt.DRAIN)
        self._holdings.add(held)
        held.task = asyncio.create_task(self._execute(held))

    async def _execute(self, held: Held) -> None:
        """One execution under one epoch, to its end, its wait, or its loss."""
        job = held.job
        give_back = False
        try:
            run = Run(
                job,
                self._programs.known(job.snapshot_id) or await self._programs.of(job),
                reporter=held.channel,
                ownership=held.lease,
                clock=self._clock,
                secrets=self._vault.of(job),
                desk=self._desk,
                throttle=self._throttle,
                blobs=self._blobs,
                http=self._http,
            )
            held.begin(run)
            give_back = await (Engine(run).execute() if job.task is None else perform(run)) is Result.HALTED
        except Dropped as dropped:
            give_back = dropped.verdict is Verdict.RESEND
        except BackendRefused as refusal:
            error = StepError(type="NoSnapshot", message="The graph of this execution can't be read.", hint=refusal.detail)
            await self._fail(held, error)
        except Exception as error:  # noqa: BLE001  # a mistake of the engine's must not leave an execution stuck under a healthy lease
            _log.error("an execution broke the engine", execution=str(job.execution_id), exc_info=error)
            hint = "This is a mistake in Trestle. The executor's log has the details; please report it."
            await self._fail(held, StepError(type="EngineError", message="The engine broke down while it ran this execution.", hint=hint))
        finally:
            if not give_back or not self._holdings.has(held):
                self._holdings.forget(held)
        if give_back and not self._stopping.is_set():
            await self._release([held])

    async def _fail(self, held: Held, error: StepError) -> None:
        try:
            await held.channel.end(Ending(status="failed", error=error))
        except Dropped:
            return  # somebody else decides now

    def _on_report_verdict(self, channel: Channel, verdict: Verdict) -> None:
        held = self._holdings.get(channel.execution_id)
        if held is not None and held.channel is channel and self._holdings.hear(held, verdict):
            self._pulse.soon()  # it may be over by now

    # ending

    async def _drain(self, fetching: asyncio.Task[None]) -> None:
        """Lets running steps finish, and gives back the rest. Leases and reports go on meanwhile."""
        deadline = time.monotonic() + self._drain_s
        self._stopping.set()  # what is claimed from here on is halted before it starts
        for one in self._holdings:
            one.halt(Halt.DRAIN)
        lane = _task(self._lane.stop(self._drain_s)) if self._lane is not None else None
        while not fetching.done():
            fetching.cancel()  # the queue's client swallows one now and then
            await asyncio.wait([fetching], timeout=0.1)
        if self._taker.claims:
            await asyncio.wait(self._taker.claims, timeout=RELEASE_S)
        tasks = [one.task for one in self._holdings if one.task is not None]
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=max(deadline - time.monotonic(), 0))
            held = list(self._holdings)
            for task in late:
                task.cancel()
            if late:
                _log.warning("steps were cut off: they took longer than the drain may", executions=len(late))
                await asyncio.wait(late)
            await self._release(held)
        try:
            await self._queue.give_back()
        except QueueAway:
            _log.info("ids stay in this process's list, which expires; the backend pushes them again")
        if lane is not None:
            await lane

    async def _release(self, held: list[Held], *, leaving: bool = False) -> None:
        """Gives executions back as queued; `leaving` says good-bye as well.

        What can't be given back within 5 s comes back when its lease runs out.
        """
        deadline, pause = time.monotonic() + RELEASE_S, 0.05
        while True:
            try:
                await self._api.release(Release(running=[one.holding for one in held], leaving=leaving))
                break
            except BackendAway as error:
                if time.monotonic() > deadline:
                    _log.warning("executions could not be given back: their leases run out", executions=len(held), reason=str(error))
                    break
                await asyncio.sleep(pause)
                pause = min(pause * 2, MAX_PAUSE_S)
            except BackendRefused as refusal:
                _log.error("the backend refuses a release", status=refusal.status, detail=refusal.detail)
                break
        for one in held:
            self._holdings.forget(one)


def _task(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    return asyncio.create_task(work)
