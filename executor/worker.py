"""One executor process at work: takes ids, claims executions, runs them side by side, keeps their leases, and drains."""

import asyncio
import time
from collections.abc import Coroutine
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import structlog

from executor.api import Api, BackendAway, BackendRefused
from executor.clock import BackendClock, Lease
from executor.desk import BackendDesk
from executor.engine import Engine, Result
from executor.programs import Programs
from executor.queue import Queue, QueueAway
from executor.registry import Registry
from executor.reports import Channel, Courier, Dropped
from executor.run import Halt, Run
from executor.vault import Vault
from trestle.contracts.executions import StepError
from trestle.contracts.jobs import Claim, Ending, Heartbeat, Holding, Job, Release, Verdict

if TYPE_CHECKING:
    from trestle.outbound import OutboundClient

ASK_ANY_S = 15.0
"""How often an idle executor asks for any execution, in case the queue lost an id or is dead without a sign."""
CLAIMS_AT_ONCE = 2
CLAIM_ID_S = 10.0
"""How long a claim without an answer is repeated under the same id: well within the lease that it may have won."""
TELL_S = 0.25
MAX_PAUSE_S = 2.0
RELEASE_S = 5.0

_log = structlog.get_logger("executor.worker")


class Held:
    """An execution that this process owns, as far as it knows."""

    __slots__ = ("channel", "job", "lease", "run", "task")

    def __init__(self, job: Job, channel: Channel, lease: Lease) -> None:
        self.job = job
        self.channel = channel
        self.lease = lease
        self.run: Run | None = None
        self.task: asyncio.Task[None] | None = None

    @property
    def holding(self) -> Holding:
        """It, as the backend is told of it."""
        return Holding(execution_id=self.job.execution_id, epoch=self.job.epoch)


class Worker:
    """Runs until `stop` is called, then drains. `run` is called once, after the process has registered."""

    def __init__(self, api: Api, queue: Queue, registry: Registry, http: "OutboundClient", *, concurrency: int, drain_s: float) -> None:
        self._api = api
        self._queue = queue
        self._http = http
        self._concurrency = concurrency
        self._drain_s = drain_s
        self._clock = BackendClock()
        self._courier = Courier(api.report, self._on_report_verdict, lambda answers: self._clock.set(answers.now))
        self._programs = Programs(api, registry)
        self._vault = Vault(api)
        self._desk = BackendDesk(api)
        self._held: dict[UUID, Held] = {}
        self._reserved = 0
        self._claims: set[asyncio.Task[None]] = set()
        self._room = asyncio.Event()
        self._beat_now = asyncio.Event()
        self._stopping = asyncio.Event()
        self._background: set[asyncio.Task[None]] = set()

    @property
    def running(self) -> int:
        """How many executions it holds."""
        return len(self._held)

    def stop(self) -> None:
        """Asks it to drain and to end."""
        self._stopping.set()

    async def run(self) -> None:
        """Works until stopped; then drains."""
        service = [self._start(self._courier.run()), self._start(self._beat()), self._start(self._keep())]
        service += [self._start(self._tell()), self._start(self._listen())]
        fetching = self._start(self._fetch())
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

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        return task

    # taking

    async def _fetch(self) -> None:
        """Takes ids while there is room for what they stand for, and has them claimed."""
        asked_at, away_since, pause = -ASK_ANY_S, 0.0, 0.1
        while True:
            free = await self._free()
            ids: list[UUID] = []
            try:
                ids = await self._queue.take(free) if asked_at >= 0 else await self._queue.left()
                if away_since:
                    _log.info("the queue answers again", after_s=round(time.monotonic() - away_since, 1))
                away_since, pause = 0.0, 0.1
            except QueueAway as error:
                if not away_since:
                    away_since = time.monotonic()
                    _log.warning("the queue is away: asking the backend instead", reason=str(error))
            if ids:
                self._claim_soon(ids, len(ids))
            if away_since or (not ids and time.monotonic() - asked_at >= ASK_ANY_S) or asked_at < 0:
                asked_at = time.monotonic()
                got = await self._claim([], max(1, await self._free()))
                if away_since and not got:
                    await asyncio.sleep(pause)
                    pause = min(pause * 2, MAX_PAUSE_S)

    async def _free(self) -> int:
        """How many more executions may be taken; waits until it is at least one."""
        while True:
            free = self._concurrency - len(self._held) - self._reserved
            if free > 0 and len(self._claims) < CLAIMS_AT_ONCE:
                return free
            self._room.clear()
            await self._room.wait()

    def _claim_soon(self, ids: list[UUID], limit: int) -> None:
        task = asyncio.create_task(self._claim_and_forget(ids, limit))
        self._claims.add(task)
        task.add_done_callback(self._claimed)

    def _claimed(self, task: asyncio.Task[None]) -> None:
        self._claims.discard(task)
        self._room.set()

    async def _claim_and_forget(self, ids: list[UUID], limit: int) -> None:
        await self._claim(ids, limit)
        try:
            await self._queue.forget(ids)
        except QueueAway:
            return  # the list ends with the process, and an id that is claimed twice is refused

    async def _claim(self, ids: list[UUID], limit: int) -> int:
        """Claims these ids, or any where there are none; gives how many executions it got. Repeats while the backend is away."""
        claim_id, sent_at, pause = uuid4(), time.monotonic(), 0.05
        self._reserved += limit
        try:
            while True:
                try:
                    claimed = await self._api.claim(Claim(claim_id=claim_id, ids=ids, limit=limit))
                    break
                except BackendAway as error:
                    _log.warning("a claim waits for the backend", reason=str(error))
                    await asyncio.sleep(pause)
                    pause = min(pause * 2, MAX_PAUSE_S)
                    if time.monotonic() - sent_at > CLAIM_ID_S:
                        claim_id, sent_at = uuid4(), time.monotonic()
                except BackendRefused as refusal:
                    _log.error("the backend refuses a claim", status=refusal.status, detail=refusal.detail)
                    await asyncio.sleep(MAX_PAUSE_S)
                    return 0
        finally:
            self._reserved -= limit
        self._clock.set(claimed.now)
        for job in claimed.jobs:
            self._begin(job, sent_at)
        return len(claimed.jobs)

    # running

    def _begin(self, job: Job, sent_at: float) -> None:
        known = self._held.get(job.execution_id)
        if known is not None:
            if known.job.epoch >= job.epoch:
                return
            self._lose(known, Verdict.STALE)
        channel = self._courier.open(job.execution_id, job.epoch)
        held = Held(job, channel, Lease(sent_at, self._api.registered.lease_s))
        self._held[job.execution_id] = held
        held.task = asyncio.create_task(self._execute(held))

    async def _execute(self, held: Held) -> None:
        """One execution under one epoch, to its end, its wait, or its loss."""
        job = held.job
        give_back = False
        try:
            program = self._programs.known(job.snapshot_id) or await self._programs.get(job.snapshot_id)
            run = held.run = Run(
                job,
                program,
                reporter=held.channel,
                ownership=held.lease,
                clock=self._clock,
                secrets=self._vault.of(job),
                desk=self._desk,
                http=self._http,
            )
            if self._stopping.is_set():
                run.halt(Halt.DRAIN)
            give_back = await Engine(run).execute() is Result.HALTED
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
            if not give_back or self._held.get(job.execution_id) is not held:
                self._forget(held)
        if give_back and not self._stopping.is_set():
            await self._release([held])

    async def _fail(self, held: Held, error: StepError) -> None:
        try:
            await held.channel.end(Ending(status="failed", error=error))
        except Dropped:
            return  # somebody else decides now

    def _forget(self, held: Held) -> None:
        if self._held.get(held.job.execution_id) is held:
            del self._held[held.job.execution_id]
        self._room.set()

    def _lose(self, held: Held, verdict: Verdict) -> None:
        """It isn't ours any more: nothing of it is written from here on."""
        held.channel.drop(verdict)
        if held.task is not None:
            held.task.cancel()
        self._forget(held)

    def _on_report_verdict(self, channel: Channel, verdict: Verdict) -> None:
        held = self._held.get(channel.execution_id)
        if held is not None and held.channel is channel:
            self._on_verdict(held, verdict)

    def _on_verdict(self, held: Held, verdict: Verdict) -> None:
        if verdict is Verdict.PAUSE:
            if held.run is not None:
                held.run.halt(Halt.PAUSE)
        elif verdict in (Verdict.STALE, Verdict.CANCEL):
            _log.info("an execution was dropped", execution=str(held.job.execution_id), verdict=verdict)
            self._lose(held, verdict)

    # keeping

    async def _beat(self) -> None:
        """Renews every lease in one call, every 10 s, and at once when somebody wants something of an execution."""
        interval_s = self._api.registered.heartbeat_s
        pause = interval_s
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._beat_now.wait(), pause)
            self._beat_now.clear()
            pause = interval_s if await self._renew() else min(1.0, interval_s)

    async def _renew(self) -> bool:
        held = list(self._held.values())
        sent_at = time.monotonic()
        try:
            answer = await self._api.heartbeat(Heartbeat(running=[one.holding for one in held]))
        except BackendAway as error:
            _log.warning("a heartbeat got no answer", held=len(held), reason=str(error))
            return False
        except BackendRefused as refusal:
            _log.error("the backend refuses a heartbeat", status=refusal.status, detail=refusal.detail)
            return False
        self._clock.set(answer.now)
        for one in held:
            verdict = answer.verdicts.get(one.job.execution_id)
            if verdict is None:
                one.lease.renew(sent_at, self._api.registered.lease_s)
            elif self._held.get(one.job.execution_id) is one:
                self._on_verdict(one, verdict)
        return True

    async def _keep(self) -> None:
        """Keeps this process's list in Redis from expiring."""
        while True:
            await asyncio.sleep(self._api.registered.heartbeat_s)
            try:
                await self._queue.keep()
            except QueueAway:
                continue  # the fetching loop says so, and lists are worth nothing

    async def _tell(self) -> None:
        """For those who watch: what pure steps have done does not wait for their chain's end longer than this."""
        while True:
            await asyncio.sleep(TELL_S)
            for held in list(self._held.values()):
                if held.run is not None:
                    held.run.tell_progress(TELL_S)

    async def _listen(self) -> None:
        """Hears that somebody wants something of an execution held here; the heartbeat then tells what."""
        pause = 0.1
        while True:
            try:
                async for execution_id in self._queue.controls():
                    pause = 0.1
                    if execution_id in self._held:
                        self._beat_now.set()
            except QueueAway:
                await asyncio.sleep(pause)
                pause = min(pause * 2, MAX_PAUSE_S)

    # ending

    async def _drain(self, fetching: asyncio.Task[None]) -> None:
        """Lets running steps finish, and gives back the rest. Leases and reports go on meanwhile."""
        deadline = time.monotonic() + self._drain_s
        self._stopping.set()  # what is claimed from here on is halted before it starts
        for one in self._held.values():
            if one.run is not None:
                one.run.halt(Halt.DRAIN)
        while not fetching.done():
            fetching.cancel()  # the queue's client swallows one now and then
            await asyncio.wait([fetching], timeout=0.1)
        if self._claims:
            await asyncio.wait(self._claims, timeout=RELEASE_S)
        tasks = [one.task for one in self._held.values() if one.task is not None]
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=max(deadline - time.monotonic(), 0))
            held = list(self._held.values())
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
            self._forget(one)
