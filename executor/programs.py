"""Snapshots made ready to run, the most recently used ones. Each is fetched once, however many executions wait for it."""

import asyncio
from collections import OrderedDict

import structlog

from executor.api import Api, BackendAway
from executor.program import Program
from executor.registry import Registry
from trestle.contracts.graph import Snapshot, WorkflowSettings
from trestle.contracts.jobs import Job

KEPT = 200
MAX_PAUSE_S = 2.0

_log = structlog.get_logger("executor.programs")


class Programs:
    """Programs by snapshot id. Snapshots never change, so nothing is ever out of date."""

    def __init__(self, api: Api, registry: Registry) -> None:
        self._api = api
        self._registry = registry
        self._ready: OrderedDict[str, Program] = OrderedDict()
        self._fetching: dict[str, asyncio.Task[Program]] = {}
        self._empty = Program(Snapshot(id="", nodes=[], connections=[], settings=WorkflowSettings()), registry)

    async def of(self, job: Job) -> Program:
        """The program of a job, as by `get`; an empty one for a job that runs no node."""
        return self._empty if job.kind == "check" else await self.get(job.snapshot_id)

    def known(self, snapshot_id: str) -> Program | None:
        """The program, where it is here already."""
        program = self._ready.get(snapshot_id)
        if program is not None:
            self._ready.move_to_end(snapshot_id)
        return program

    async def get(self, snapshot_id: str) -> Program:
        """The program. Waits while the backend is away; raises `BackendRefused` where there is no such snapshot."""
        program = self.known(snapshot_id)
        if program is not None:
            return program
        fetching = self._fetching.get(snapshot_id)
        if fetching is None:
            fetching = asyncio.create_task(self._fetch(snapshot_id))
            self._fetching[snapshot_id] = fetching
            fetching.add_done_callback(lambda task: self._fetched(snapshot_id, task))
        return await asyncio.shield(fetching)

    async def _fetch(self, snapshot_id: str) -> Program:
        pause = 0.05
        while True:
            try:
                return Program(await self._api.snapshot(snapshot_id), self._registry)
            except BackendAway as error:
                _log.warning("a snapshot waits for the backend", reason=str(error))
                await asyncio.sleep(pause)
                pause = min(pause * 2, MAX_PAUSE_S)

    def _fetched(self, snapshot_id: str, task: asyncio.Task[Program]) -> None:
        del self._fetching[snapshot_id]
        if not task.cancelled() and task.exception() is None:
            self._ready[snapshot_id] = task.result()
            while len(self._ready) > KEPT:
                self._ready.popitem(last=False)
