"""Jobs that run no graph but need a node's or a credential's code: polls and credential tests (PROTOCOL, jobs)."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import orjson
import structlog
from pydantic import ValidationError

from executor.attempt import NODE_BUG, expression_error
from executor.context import StepContext
from executor.credentials import SecretData, credential_types
from executor.engine import Result
from executor.errors import NodeError, Throttled
from executor.fields import Use
from executor.http import failure
from executor.large import JSON
from executor.node import PollingTrigger
from executor.program import Prepared
from executor.run import Run
from executor.step import StepRun
from executor.values import encode, refs_of
from trestle.contracts.executions import StepError
from trestle.contracts.graph import Node
from trestle.contracts.jobs import THROTTLED, CheckTask, Ending, Polled, PolledEvent, PollTask
from trestle.language import LanguageError
from trestle.outbound import OutboundError

POLL_S = 300.0
"""How long a poll may take, unless its node has a time limit of its own."""
CHECK_S = 12.0
"""How long a credential's test may take: less than its caller waits."""
MAX_EVENTS = 1000
MAX_STATE_CHARS = 1_000_000
MAX_INLINE_CHARS = 8_000_000
"""How much of the events travels in the poll's report. The rest lies in blobs, however small each is."""
NO_SERVICE = "This type has no service to ask; it is checked when it is used."
CREDENTIAL = "credential"
"""What stands for a node's key while a credential is being tested."""

_log = structlog.get_logger("executor.chores")


async def perform(run: Run) -> Result:
    """Does the job to its end. Raises what the reporter raises when it was lost."""
    task = run.job.task
    if not run.ownership.holds():
        await run.ownership.held()
    if run.halted is not None:
        return Result.HALTED
    if isinstance(task, PollTask):
        ending = await _poll(run, task)
    elif isinstance(task, CheckTask):
        ending = await _check(run, task)
    else:
        raise ValueError(f"a job of the kind {run.job.kind} without its task")
    await run.reporter.end(ending)
    return Result.ENDED


async def _poll(run: Run, task: PollTask) -> Ending:
    prepared = run.program.nodes.get(task.node) or Prepared(Node(key=task.node, type="trigger"), run.program.registry, "stop")
    context = _context(run, prepared)
    try:
        kind = prepared.kind
        if not isinstance(kind, PollingTrigger):
            raise NodeError(f"{prepared.label} is no trigger that can be asked for what is new.", type="NoPoll")
        config = prepared.template.render(run.scope(None, payload=False))
        async with asyncio.timeout(prepared.node.timeout_s or POLL_S):
            polled = _checked(await kind.poll(config, task.state, context), context)
        polled.events = await _stored(run, polled.events)
        return Ending(status="succeeded", polled=polled)
    except Exception as error:  # noqa: BLE001  # whatever a trigger raises is told, and the next poll tries again
        return Ending(status="failed", error=_told(run, prepared, context, error), error_node=task.node, failed_steps=1)


def _checked(polled: Polled, context: StepContext) -> Polled:
    """What was found, without secrets. Raises `NodeError` where it can't be stored."""
    if not isinstance(polled, Polled):
        raise TypeError(f"a poll gives Polled, not {type(polled).__name__}")
    if len(polled.events) > MAX_EVENTS:
        raise NodeError(f"A poll found {len(polled.events)} events; it may hand in {MAX_EVENTS:,} at a time.", type="BadOutput")
    if context.redactor:
        for event in polled.events:
            event.payload = context.redactor.value(event.payload)
    encode([event.payload for event in polled.events])
    if len(encode(polled.state)) > MAX_STATE_CHARS:
        message = f"A poll keeps {MAX_STATE_CHARS:,} characters for the next one at most."
        raise NodeError(message, hint="Remember where the poll came to, not what it found.", type="BadOutput")
    return polled


async def _stored(run: Run, events: list[PolledEvent]) -> list[PolledEvent]:
    """The events as they are recorded: what is large lies in blobs, as it does of a step's output, and so does all that would make the
    report too long."""
    room, made = MAX_INLINE_CHARS, []
    for event in events:
        text = await run.large.store(event.payload)
        if len(text) > room and not refs_of(text):
            text = encode(await run.large.upload(_once(text.encode()), JSON))
        room -= len(text)
        made.append(PolledEvent(id=event.id, payload=orjson.loads(str(text)), refs=refs_of(text) or {}))
    return made


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data


async def _check(run: Run, task: CheckTask) -> Ending:
    prepared = Prepared(Node(key=CREDENTIAL, type="credential"), run.program.registry, "stop")
    context = _context(run, prepared)
    ok = True
    try:
        shape = credential_types().get(task.credential_type)
        if shape is None or not shape.is_tested():
            raise NodeError(NO_SERVICE)
        lent = await run.secrets.get("", task.credential_id)
        context.redactor.learn(lent.data)
        secret = Use[SecretData](task.credential_id, (shape,)).open(lent)
        async with asyncio.timeout(CHECK_S):
            message = await secret.test(context)
    except Exception as error:  # noqa: BLE001  # whatever a test raises is its answer
        ok, told = False, _told(run, prepared, context, error)
        message = f"{told.message} {told.hint}".strip() if told.hint else told.message
    return Ending(status="succeeded", output=encode({"ok": ok, "message": context.redactor.text(message)}))


def _context(run: Run, prepared: Prepared) -> StepContext:
    return StepContext(run, StepRun(prepared, "null"), None)


def _told(run: Run, prepared: Prepared, context: StepContext, error: Exception) -> StepError:
    redact = context.redactor.text
    if isinstance(error, LanguageError):
        return expression_error(prepared.key, error)
    if isinstance(error, OutboundError):
        error = failure(error)
    if isinstance(error, NodeError):
        return StepError(type=error.type, message=redact(error.message), hint=redact(error.hint))
    if isinstance(error, Throttled):
        return StepError(type=THROTTLED, message=error.reason, hint="Try again later.")
    if isinstance(error, TimeoutError):
        return StepError(type="Timeout", message="There was no answer in time.", hint="Find out why the service is slow.")
    what: dict[str, Any] = {"execution": str(run.job.execution_id), "node": prepared.key, "exc_info": error}
    _log.error("a poll or a credential's test has a bug", **what)
    if isinstance(error, ValidationError):
        return StepError(type="InvalidConfig", message="What it is set to can't be used.", hint="Open it, fill in its fields and save it.")
    message = f"It broke down with {error.__class__.__name__}. This is a mistake in its code."
    return StepError(type=NODE_BUG, message=message, hint="The executor's log has the details.")
