"""A backend at the HTTP seam: it keeps executions in memory and answers executors as the real one does."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from aiohttp import web
from aiohttp.test_utils import TestServer

from trestle.contracts.graph import Connection, Node, Snapshot, WorkflowSettings
from trestle.contracts.jobs import (
    Answer,
    Answers,
    Claim,
    Claimed,
    Died,
    Heartbeat,
    HeartbeatAnswer,
    Job,
    Registered,
    Registration,
    Release,
    Report,
    Reports,
    Resolution,
    Secret,
    SecretRequest,
    Verdict,
)

KEY = "the shared key of executors"


@dataclass
class Execution:
    """What the double knows of one."""

    job: dict[str, Any]
    status: str = "queued"
    epoch: int = 0
    seq: int = 0
    claim_id: UUID | None = None
    poison: bool = False
    reports: list[Report] = field(default_factory=list)

    @property
    def output(self) -> str | None:
        """Of its ending."""
        return self.reports[-1].ending.output if self.reports and self.reports[-1].ending else None


class BackendDouble:
    """`poison` executions are given only to quarantine lanes, one at a time.

    `away` answers 503, `deaf` does its work and then hangs up, `lease_s` and `heartbeat_s` are what executors are told.
    """

    def __init__(self) -> None:
        self.executions: dict[UUID, Execution] = {}
        self.snapshots: dict[str, Snapshot] = {}
        self.calls: list[str] = []
        self.batches: list[int] = []
        self.away = False
        self.deaf: set[str] = set()
        self.verdicts: dict[UUID, Verdict] = {}
        self.lease_s, self.heartbeat_s = 30.0, 10.0
        self.resolved: dict[UUID, list[Resolution]] = {}
        self.registrations: list[Registration] = []
        self.lanes: dict[str, UUID] = {}
        self.vault: dict[UUID, Secret] = {}
        self.asked: list[SecretRequest] = []
        self.died_lanes: list[UUID] = []
        self.token = "token-1"
        self.url = ""

    def snapshot(self, nodes: list[Node], connections: list[Connection]) -> str:
        """Stores a graph."""
        snapshot_id = f"{len(self.snapshots):064x}"
        self.snapshots[snapshot_id] = Snapshot(id=snapshot_id, nodes=nodes, connections=connections, settings=WorkflowSettings())
        return snapshot_id

    def chain(self, *types: tuple[str, dict[str, Any]]) -> str:
        """Stores a chain of nodes `n0, n1, …` behind a trigger."""
        nodes = [Node(key="start", type="trigger.manual")]
        connections = []
        for place, (name, config) in enumerate(types):
            connections.append(Connection(source=nodes[-1].key, target=f"n{place}"))
            nodes.append(Node(key=f"n{place}", type=name, config=config))
        return self.snapshot(nodes, connections)

    def accept(self, snapshot_id: str, input: str = "null", *, poison: bool = False, **fields: Any) -> UUID:
        """A queued execution. `fields`: of its job."""
        execution_id = uuid4()
        job = {
            "execution_id": execution_id,
            "project_id": uuid4(),
            "workflow_id": uuid4(),
            "workflow_name": "Test",
            "version": 1,
            "snapshot_id": snapshot_id,
            "trigger": {"node": "start"},
            "input": input,
            "seed": "ab" * 16,
            "attempt": 1,
            "created_at": datetime.now(UTC),
        }
        self.executions[execution_id] = Execution({**job, **fields}, poison=poison)
        return execution_id

    def count(self, status: str) -> int:
        """How many are in a state."""
        return sum(execution.status == status for execution in self.executions.values())

    # what it answers

    async def register(self, body: bytes, token: str) -> Registered:
        registration = Registration.model_validate_json(body)
        self.registrations.append(registration)
        executor_id, token = uuid4(), self.token
        if registration.lane == "quarantine":
            token = f"lane-{executor_id}"
            self.lanes[token] = executor_id
        return Registered(executor_id=executor_id, token=token, heartbeat_s=self.heartbeat_s, lease_s=self.lease_s)

    async def claim(self, body: bytes, token: str) -> Claimed:
        asked = Claim.model_validate_json(body)
        queued = [known for known, one in self.executions.items() if one.status == "queued" and one.poison == (token in self.lanes)]
        ids = asked.ids or queued[: asked.limit]
        if token in self.lanes:
            ids = [] if any(one.poison and one.status == "running" for one in self.executions.values()) else ids[:1]
        jobs = []
        for execution_id in ids:
            execution = self.executions.get(execution_id)
            if execution is None or (execution.status != "queued" and execution.claim_id != asked.claim_id):
                continue
            if execution.status == "queued":
                execution.epoch += 1
                execution.seq = 0
            execution.status, execution.claim_id = "running", asked.claim_id
            jobs.append(Job(epoch=execution.epoch, **execution.job))
        waiting = any(one.poison and one.status == "queued" for one in self.executions.values())
        return Claimed(now=datetime.now(UTC), jobs=jobs, quarantine=waiting and token not in self.lanes)

    async def reports(self, body: bytes, token: str) -> Answers:
        batch = Reports.model_validate_json(body).reports
        self.batches.append(len(batch))
        return Answers(now=datetime.now(UTC), answers=[self._take(report) for report in batch])

    def _take(self, report: Report) -> Answer:
        execution = self.executions[report.execution_id]
        if execution.epoch != report.epoch:
            return Answer(execution_id=report.execution_id, verdict=Verdict.STALE)
        if report.seq <= execution.seq:
            return Answer(execution_id=report.execution_id, verdict=Verdict.CONTINUE)
        if report.seq > execution.seq + 1:
            return Answer(execution_id=report.execution_id, verdict=Verdict.RESEND, expected_seq=execution.seq + 1)
        execution.seq = report.seq
        execution.reports.append(report)
        if report.ending is not None:
            execution.status = report.ending.status
        return Answer(execution_id=report.execution_id, verdict=Verdict.CONTINUE)

    async def heartbeat(self, body: bytes, token: str) -> HeartbeatAnswer:
        Heartbeat.model_validate_json(body)
        kept = token if token in self.lanes else self.token
        return HeartbeatAnswer(now=datetime.now(UTC), token=kept, verdicts=self.verdicts, resolved=self.resolved)

    async def secrets(self, body: bytes, token: str) -> Secret:
        asked = SecretRequest.model_validate_json(body)
        self.asked.append(asked)
        return self.vault[asked.credential_id]

    async def died(self, body: bytes, token: str) -> None:
        self.died_lanes.append(Died.model_validate_json(body).executor_id)

    async def release(self, body: bytes, token: str) -> None:
        for holding in Release.model_validate_json(body).running:
            execution = self.executions[holding.execution_id]
            if execution.epoch == holding.epoch and execution.status == "running":
                execution.status = "queued"

    async def handle(self, request: web.Request) -> web.StreamResponse:
        name = request.path.removeprefix("/internal/v1/")
        self.calls.append(name)
        if self.away:
            return web.Response(status=503)
        token = request.headers["Authorization"].removeprefix("Bearer ")
        if token != (KEY if name == "register" else self.token) and (token not in self.lanes or name == "register"):
            return web.Response(status=401, text="Who are you?")
        if name.startswith("snapshots/"):
            snapshot = self.snapshots.get(name.removeprefix("snapshots/"))
            return web.Response(status=404, text="no such") if snapshot is None else web.Response(body=snapshot.model_dump_json())
        answer = await getattr(self, name)(await request.read(), token)
        if name in self.deaf:
            self.deaf.discard(name)
            assert request.transport is not None
            request.transport.close()
        return web.Response(body=answer.model_dump_json() if answer is not None else b"{}")


@asynccontextmanager
async def backend_double() -> AsyncIterator[BackendDouble]:
    """A started one."""
    double = BackendDouble()
    app = web.Application(client_max_size=2**28)
    app.router.add_route("*", "/internal/v1/{name:.*}", double.handle)
    async with TestServer(app) as server:
        double.url = str(server.make_url("")).rstrip("/")
        yield double
