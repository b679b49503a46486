"""What a node gets of the world (`executor.node.Context`), for one attempt."""

import hashlib
import hmac
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from executor.credentials import SecretData
from executor.errors import Throttled
from executor.fields import Use
from executor.identity import canonical
from executor.node import ExecutionInfo
from executor.redaction import Redactor
from executor.values import encode, refs_of
from trestle.contracts.base import JsonValue
from trestle.contracts.credentials import RateLimit
from trestle.contracts.executions import LogLevel
from trestle.contracts.jobs import LogLine, NotifyRequest, RememberRequest, StartRequest, WebhookAnswer
from trestle.contracts.resume_tokens import TokenKind
from trestle.language import Reference, Unloaded, whole

if TYPE_CHECKING:
    from executor.run import Run
    from executor.step import StepRun
    from trestle.outbound import OutboundClient

S = TypeVar("S", bound=SecretData)

MAX_LINE_CHARS = 10_000
AT_ONCE = 5_000
"""Values that are looked up in one call."""


def idempotency_key(seed: str, node: str, item: int | None, retry_no: int) -> str:
    """Hex HMAC over `node|item|sub_step|request_no|retry_no`, all that tells one effect of a root execution from another.

    It stays the same until the other side has definitely refused: then `retry_no` grows.
    """
    name = f"{node}|{'' if item is None else item}||0|{retry_no}"
    return hmac.new(bytes.fromhex(seed), name.encode(), hashlib.sha256).hexdigest()


class StepLog:
    """Lines for the execution's history."""

    __slots__ = ("_context",)

    def __init__(self, context: "StepContext") -> None:
        self._context = context

    def debug(self, message: str) -> None:
        """A detail."""
        self._context.write("debug", message)

    def info(self, message: str) -> None:
        """What happened."""
        self._context.write("info", message)

    def warning(self, message: str) -> None:
        """What a person should look at."""
        self._context.write("warning", message)

    def error(self, message: str) -> None:
        """What went wrong."""
        self._context.write("error", message)


class StepContext:
    """One attempt's view. Everything is made when first asked for: most nodes ask for nothing."""

    __slots__ = ("_called_with", "_input", "_run", "_step", "answer", "item", "now", "redactor")

    def __init__(self, run: "Run", step: "StepRun", input: JsonValue) -> None:
        self._run = run
        self._step = step
        self._input = input
        self.item = step.item
        """The current item of a for-each."""
        self.now: datetime = run.clock.now()
        self.redactor = Redactor()
        self._called_with = ""
        """The scope of the credential that it got."""
        self.answer: WebhookAnswer | None = None
        """What the step answers to the webhook's caller, once it has succeeded."""

    @property
    def http(self) -> "OutboundClient":
        """The guarded HTTP client."""
        return self._run.http

    @property
    def log(self) -> StepLog:
        """Lines for the execution's history."""
        return StepLog(self)

    @property
    def execution(self) -> ExecutionInfo:
        """The execution that this step belongs to."""
        return self._run.info()

    @property
    def node(self) -> str:
        """This node's key."""
        return self._step.prepared.key

    @property
    def attempt(self) -> int:
        """Which try it is, from 1."""
        return self._step.attempt

    @property
    def idempotency_key(self) -> str:
        """See `idempotency_key`."""
        return idempotency_key(self._run.job.seed, self.node, self._step.index, self._step.retry_no)

    @property
    def index(self) -> int | None:
        """Its place from 0."""
        return self._step.index

    @property
    def inputs(self) -> Mapping[str, JsonValue]:
        """What came in, by source."""
        return {source: self._run.decode(text) for source, text in self._run.taken(self.node).items()}

    @property
    def names(self) -> Mapping[str, JsonValue]:
        """Every name that an expression knows, as JSON."""
        scope = self._run.scope(self._input)
        if self._step.index is not None:
            scope = scope.with_item(self._step.item, self._step.index)
        names: dict[str, Any] = dict(scope.roots)
        names["nodes"] = self._run.outputs  # decoded when it is looked at
        return names

    async def secret(self, use: Use[S], *, refused: S | None = None) -> S:
        """The credential that a config field names; from here on it is kept out of this step's output, error and log."""
        secret = await self._run.secrets.get(self.node, use.id, refused.version if refused is not None else None)
        self.redactor.learn(secret.data)
        scope = f"credential:{use.id}"
        if refused is None:  # else it has been in turn, and something has been sent
            await self._in_turn(scope, secret.rate_limit, "the credential")
        self._called_with = scope
        return use.open(secret)

    async def turn(self, host: str, rate: RateLimit | None = None) -> None:
        """Whether the host may be called now. Raises `Throttled`."""
        await self._in_turn(self._host(host), rate, host)

    async def slow_down(self, host: str, seconds: float) -> None:
        """Closes the credential that was used, or else the host, for everybody."""
        await self._run.throttle.close(self._called_with or self._host(host), seconds)

    def _host(self, host: str) -> str:
        return f"host:{self._run.job.project_id}:{host.lower().rstrip('.')}"

    async def _in_turn(self, scope: str, limit: RateLimit | None, what: str) -> None:
        delay_s = await self._run.throttle.delay_s(scope, limit, self.idempotency_key)
        if delay_s > 0:
            due = self._run.clock.now() + timedelta(seconds=delay_s)
            until = due.isoformat(timespec="seconds").replace("+00:00", "Z")
            raise Throttled(due, f"rate limit of {what} until {until}")

    def resume_url(self, kind: TokenKind) -> str:
        """Where a wait of this step is answered."""
        return self._run.resume_url(self.node, self.index, kind)

    async def start_workflow(self, workflow_id: UUID, input: JsonValue, *, wait: bool) -> UUID:
        """Starts a child. Raises `NodeError`."""
        text = await self._run.large.store(input)
        request = StartRequest(**self._behalf(), workflow_id=workflow_id, input=text, refs=refs_of(text) or {}, wait=wait)
        child = await self._run.desk.start(request)
        if wait:
            self._step.child = child
        return child

    async def notify(
        self,
        message: str,
        *,
        to_role: str | None = None,
        to_user: str | None = None,
        title: str = "",
        link: str | None = None,
        occasion: str = "",
    ) -> int:
        """Tells people something. Raises `NodeError`."""
        behalf = self._behalf()
        behalf["key"] += f":{occasion}" if occasion else ""
        request = NotifyRequest(**behalf, to_role=to_role, to_user=to_user, title=title, message=message, link=link)
        return await self._run.desk.notify(request)

    async def remember(self, values: Sequence[JsonValue], *, forget_after_s: float) -> list[bool]:
        """Whether each is new to this node. Raises `NodeError`."""
        marks = [hashlib.sha256(canonical(value)).hexdigest() for value in values]
        once = list(dict.fromkeys(marks))
        fresh: dict[str, bool] = {}
        for start in range(0, len(once), AT_ONCE):
            some = once[start : start + AT_ONCE]
            request = RememberRequest(**self._behalf(), marks=some, forget_after_s=forget_after_s, only_look=self._run.draft)
            fresh.update(zip(some, await self._run.desk.remember(request), strict=True))
        return [fresh.pop(mark, False) for mark in marks]  # the second of two in one list is not new

    def respond(self, status: int, headers: Mapping[str, str], body: JsonValue) -> None:
        """Answers the webhook's caller once the step has succeeded."""
        text = None if body is None else encode(body)
        self.answer = WebhookAnswer(status=status, headers=dict(headers), body=text, refs=refs_of(text) or {})

    async def load(self, value: JsonValue) -> JsonValue:
        """The value with every large one in it. Raises `NodeError`."""
        while True:
            try:
                return whole(value)
            except Unloaded as missing:
                await self._run.large.hold(self._step, missing.references)

    async def store(self, pieces: AsyncIterator[bytes], media_type: str) -> Reference:
        """Keeps bytes as they come, without the step's secrets. Raises `NodeError`."""
        return await self._run.large.upload(self.redactor.stream(pieces) if self.redactor else pieces, media_type)

    def read(self, reference: Reference) -> AsyncIterator[bytes]:
        """The bytes of a large value, piece by piece. Raises `NodeError`."""
        return self._run.large.read(reference)

    def _behalf(self) -> dict[str, Any]:
        """Whose behalf it is on (contracts.jobs.OnBehalf)."""
        job = self._run.job
        names = {"node": self.node, "item": self.index, "key": self.idempotency_key}
        return {"execution_id": job.execution_id, "epoch": job.epoch, **names}

    def write(self, level: LogLevel, message: str) -> None:
        """Adds a line to the log, shortened to 10,000 characters."""
        line = self.redactor.text(str(message))[:MAX_LINE_CHARS]
        self._run.reporter.log(LogLine(node=self.node, level=level, message=line, at=self._run.clock.now()))
