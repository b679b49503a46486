"""A fake backend at the engine's seams, and nodes that do what a test tells them."""

import asyncio
import builtins
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import orjson
from pydantic import ConfigDict

from executor.clock import BackendClock
from executor.engine import Engine, Result
from executor.errors import NodeError
from executor.node import Bearer, Config, Context, JsonValue, Node, Resumed, Use
from executor.program import Program
from executor.registry import Entry, Registry, describe, discover
from executor.run import Run
from trestle.contracts.credentials import RateLimit
from trestle.contracts.executions import StepError
from trestle.contracts.graph import Connection, Snapshot, WorkflowSettings
from trestle.contracts.graph import Node as GraphNode
from trestle.contracts.jobs import (
    BlobRef,
    Ending,
    FinishedStep,
    Job,
    LogLine,
    NotifyRequest,
    OpenStep,
    RememberRequest,
    Secret,
    StartRequest,
    StepReport,
)
from trestle.contracts.node_types import Effect
from trestle.contracts.states import FAILED_ITEMS, StepStatus
from trestle.outbound import OutboundClient, Policy


class AnyConfig(Config):
    """Whatever."""

    model_config = ConfigDict(extra="allow")


Behaviour = Callable[[Any, JsonValue, Context], Any]


class Told(Node[AnyConfig]):
    """Does what the test says."""

    title, group, icon = "Told", "Test", "square"

    def __init__(self, behaviour: Behaviour, afterwards: Callable[[Resumed, Context], Any] | None = None) -> None:
        self.behaviour = behaviour
        self.afterwards = afterwards

    async def run(self, config: AnyConfig, input: JsonValue, ctx: Context) -> Any:
        """The behaviour, awaited where it is to be."""
        result = self.behaviour(config, input, ctx)
        return await result if asyncio.iscoroutine(result) else result

    async def resume(self, config: AnyConfig, input: JsonValue, ctx: Context, resumed: Resumed) -> Any:
        """The second behaviour, where there is one."""
        if self.afterwards is None:
            return await super().resume(config, input, ctx, resumed)
        result = self.afterwards(resumed, ctx)
        return await result if asyncio.iscoroutine(result) else result


class SecretConfig(Config):
    """One credential."""

    auth: Use[Bearer]


class UsesSecret(Node[SecretConfig]):
    """Shouts its secret out."""

    type, title, group, icon = "test.secret", "Secret", "Test", "square"
    effect = "idempotent"

    async def run(self, config: SecretConfig, input: JsonValue, ctx: Context) -> JsonValue:
        """The secret in every disguise; fails with it where the input says so."""
        secret = await ctx.secret(config.auth)
        ctx.log.info(f"using {secret.token}")
        if input == "fail":
            raise NodeError(f"{secret.token} was refused", hint=f"not {secret.token}")
        return {"raw": secret.token, "nested": [f"Bearer {secret.token}"], secret.token: 1}


BUILT_IN = discover(installed=False)


@dataclass
class FakeReporter:
    """Records what an engine tells. `reports` are batches, as they would leave together; `acknowledge` may hold them back."""

    reports: list[list[StepReport]] = field(default_factory=list)
    ending: Ending | None = None
    logs: list[LogLine] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    gate: asyncio.Event | None = None
    _gathered: dict[tuple[str, int | None, int], StepReport] = field(default_factory=dict)

    def add(self, step: StepReport) -> None:
        key = (step.node, step.item, step.attempt)
        replaced = self._gathered.pop(key, None)
        if replaced is not None and step.items is None:
            step.items = replaced.items
        self._gathered[key] = step

    def log(self, line: LogLine) -> None:
        self.logs.append(line)

    def send(self) -> None:
        if self._gathered:
            self.reports.append(list(self._gathered.values()))
            self.events += [f"report {step.node} {step.status}" for step in self._gathered.values()]
            self._gathered.clear()

    async def acknowledged(self) -> None:
        self.send()
        if self.gate is not None:
            await self.gate.wait()
        self.events.append("acknowledged")

    async def room(self) -> None:
        return

    async def end(self, ending: Ending) -> None:
        self.ending = ending
        self.send()

    @property
    def steps(self) -> list[StepReport]:
        """All, in order."""
        return [step for report in self.reports for step in report]

    def last(self, node: str, item: int | None = None) -> StepReport:
        """The newest state of a node's newest attempt."""
        return [step for step in self.steps if step.node == node and step.item == item][-1]

    def output(self, node: str) -> Any:
        """Decoded."""
        return orjson.loads(self.last(node).output or "null")


@dataclass
class FakeSecrets:
    """One secret for all."""

    secret: Secret = field(default_factory=lambda: Secret(type="bearer", data={"token": "s3cr3t-t0k3n/+é"}))

    async def get(self, node: str, credential_id: UUID, refused: int | None = None) -> Secret:
        return self.secret


@dataclass
class FakeDesk:
    """Keeps what steps ask for. `refuse` makes every request fail with this error."""

    started: list[StartRequest] = field(default_factory=list)
    told: list[NotifyRequest] = field(default_factory=list)
    child_id: UUID = field(default_factory=uuid4)
    marks: list[list[str]] = field(default_factory=list)
    refuse: NodeError | None = None

    async def start(self, request: StartRequest) -> UUID:
        if self.refuse is not None:
            raise self.refuse
        self.started.append(request)
        return self.child_id

    async def remember(self, request: RememberRequest) -> list[bool]:
        self.marks.append(request.marks)
        return [True] * len(request.marks)

    async def notify(self, request: NotifyRequest) -> int:
        if self.refuse is not None:
            raise self.refuse
        self.told.append(request)
        return 1


@dataclass
class FakeBlobs:
    """Keeps blobs in memory; `loads` says which were read, in order."""

    kept: dict[UUID, tuple[str, bytes]] = field(default_factory=dict)
    loads: list[UUID] = field(default_factory=list)

    async def store(self, execution_id: UUID, epoch: int, pieces: AsyncIterator[bytes], media_type: str) -> BlobRef:
        blob_id, data = uuid4(), b"".join([piece async for piece in pieces])
        self.kept[blob_id] = (media_type, data)
        return BlobRef(id=blob_id, size=len(data), media_type=media_type)

    async def read(self, execution_id: UUID, epoch: int, blob_id: UUID, size: int) -> AsyncIterator[bytes]:
        self.loads.append(blob_id)
        await asyncio.sleep(0)
        yield self.kept[blob_id][1]

    def add(self, value: Any) -> BlobRef:
        """A JSON value that is there already."""
        blob_id, data = uuid4(), orjson.dumps(value)
        self.kept[blob_id] = ("application/json", data)
        return BlobRef(id=blob_id, size=len(data))


@dataclass
class FakeThrottle:
    """Delays in the order in which they are given out; none left: go."""

    delays: list[float] = field(default_factory=list)
    asked: list[tuple[str, RateLimit | None, str]] = field(default_factory=list)
    closed: list[tuple[str, float]] = field(default_factory=list)

    async def delay_s(self, scope: str, limit: RateLimit | None, ticket: str) -> float:
        self.asked.append((scope, limit, ticket))
        return self.delays.pop(0) if self.delays else 0

    async def close(self, scope: str, seconds: float) -> None:
        self.closed.append((scope, seconds))


@dataclass
class FakeLease:
    """Holds until a test says that it doesn't."""

    ok: bool = True
    again: asyncio.Event = field(default_factory=asyncio.Event)
    on_refresh: Callable[[], None] | None = None

    async def refreshed(self) -> None:
        if self.on_refresh is not None:
            self.on_refresh()

    def holds(self) -> bool:
        return self.ok

    async def held(self) -> None:
        await self.again.wait()


class Kit:
    """A graph, told nodes, and one execution over it at a time."""

    def __init__(self) -> None:
        self.nodes: list[GraphNode] = [GraphNode(key="start", type="trigger.manual")]
        self.connections: list[Connection] = []
        self.told: dict[str, Told] = {}
        self.calls: list[tuple[str, JsonValue]] = []
        self.keys: list[str] = []
        self.settings = WorkflowSettings()
        self.reporter = FakeReporter()
        self.lease = FakeLease()
        self.secrets = FakeSecrets()
        self.desk = FakeDesk()
        self.throttle = FakeThrottle()
        self.blobs = FakeBlobs()
        self.seed = "ab" * 32

    def node(self, key: str, type: str = "told", *after: str, **fields: Any) -> "Kit":
        """Adds a node behind others, each given as `key` or `key:port`."""
        self.nodes.append(GraphNode(key=key, type=type, **fields))
        for source in after:
            name, _, port = source.partition(":")
            self.connections.append(Connection(source=name, source_port=port or "main", target=key))
        return self

    def does(
        self,
        type: str,
        behaviour: Behaviour = lambda config, input, ctx: input,
        effect: Effect = "pure",
        ports: tuple[str, ...] = ("main",),
        afterwards: Callable[[Resumed, Context], Any] | None = None,
    ) -> "Kit":
        """Says what nodes of a type do, and what follows a wait. Calls are recorded."""

        def record(config: Any, input: JsonValue, ctx: Context) -> Any:
            self.calls.append((ctx.node, input))
            self.keys.append(ctx.idempotency_key)
            self.reporter.events.append(f"run {ctx.node}")
            return behaviour(config, input, ctx)

        cls = builtins.type("Told", (Told,), {"type": type, "effect": effect, "outputs": ports, "__doc__": "Told."})
        self.told[type] = cls(record, afterwards)
        return self

    def program(self) -> Program:
        nodes: list[Node[Any]] = [*self.told.values(), UsesSecret()]
        told = [Entry(describe(node), node, "test") for node in nodes]
        registry = Registry([*BUILT_IN, *told])
        snapshot = Snapshot(id="0" * 64, nodes=self.nodes, connections=self.connections, settings=self.settings)
        return Program(snapshot, registry)

    def job(self, input: Any = None, **fields: Any) -> Job:
        given: dict[str, Any] = {
            "execution_id": uuid4(),
            "epoch": 1,
            "project_id": uuid4(),
            "workflow_id": uuid4(),
            "workflow_name": "Test",
            "version": 1,
            "snapshot_id": "0" * 64,
            "trigger": {"node": "start", "kind": "manual"},
            "input": orjson.dumps(input).decode(),
            "seed": self.seed,
            "attempt": 1,
            "created_at": datetime.now(UTC),
        }
        return Job(**{**given, **fields})

    def prepare(self, input: Any = None, **fields: Any) -> Run:
        clock = BackendClock()
        return Run(
            self.job(input, **fields),
            self.program(),
            reporter=self.reporter,
            ownership=self.lease,
            clock=clock,
            secrets=self.secrets,
            desk=self.desk,
            throttle=self.throttle,
            blobs=self.blobs,
            http=OutboundClient(Policy()),
        )

    async def execute(self, input: Any = None, **fields: Any) -> Result:
        """Runs an execution to its end, wait or halt."""
        return await Engine(self.prepare(input, **fields)).execute()

    def again(self) -> "Kit":
        """The next owner: nothing in memory, only what is recorded."""
        self.recorded = self.reporter.steps
        self.reporter = FakeReporter()
        self.calls.clear()
        return self

    def record(self) -> dict[str, Any]:
        """`finished` and `open`, as the backend would give them to the next owner."""
        newest: dict[tuple[str, int | None], list[StepReport]] = {}
        rows: dict[tuple[str, int | None, int], StepReport] = {}
        for step in self.recorded:
            before = rows.get((step.node, step.item, step.attempt))
            items = step.items or (before.items if before else None)
            rows[step.node, step.item, step.attempt] = step.model_copy(update={"items": items})
        for (node, item, _), step in sorted(rows.items(), key=lambda row: row[0][2]):
            newest.setdefault((node, item), []).append(step)
        finished, begun = [], []
        for attempts in newest.values():
            last = attempts[-1]
            if last.status in (StepStatus.SUCCEEDED, StepStatus.SKIPPED) or (last.status is StepStatus.FAILED and last.port):
                fields = last.model_dump(
                    include={"node", "item", "attempt", "status", "port", "output", "refs", "error"}, exclude_none=True
                )
                failed = isinstance(last.wait, dict) and FAILED_ITEMS in last.wait
                finished.append(FinishedStep(**fields, failed=failed))
            else:
                fields = last.model_dump(
                    include={"node", "item", "attempt", "status", "started_at", "due_at", "wait", "token", "items", "refs"},
                    exclude_none=True,
                )
                failure: StepError | None = attempts[-2].error if len(attempts) > 1 else None
                begun.append(OpenStep(**fields, failure=failure))
        return {"finished": finished, "open": begun}


async def until(condition: Callable[[], bool], within_s: float = 9) -> None:
    """Waits for something that other tasks bring about; for less than ten seconds, since a heartbeat by itself comes after so many."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        await asyncio.sleep(0.002)


def soon(seconds: float = 0) -> datetime:
    """So many seconds from now."""
    return datetime.now(UTC) + timedelta(seconds=seconds)


async def turns() -> None:
    """Lets all tasks go on as far as they get without the world or the clock, however slow the machine is."""
    for _ in range(100):
        await asyncio.sleep(0)


async def started(run: Run) -> "asyncio.Task[Result]":
    """An engine at work on it, past its first steps."""
    task = asyncio.create_task(Engine(run).execute())
    await turns()
    return task
