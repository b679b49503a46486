"""One attempt at one step: render its config, make sure that it may start, run the node, judge what came of it."""

import asyncio
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import orjson
import structlog
from pydantic import BaseModel

from executor.context import StepContext
from executor.errors import NodeError, Throttled
from executor.http import failure
from executor.node import Branch, Resumed, Stop, Wait
from executor.values import decode, encode, placed
from trestle.contracts.base import EncodedJson, JsonValue
from trestle.contracts.executions import StepError
from trestle.contracts.graph import MAIN, STOPPED
from trestle.contracts.jobs import WebhookAnswer
from trestle.contracts.node_types import Effect
from trestle.language import LanguageError, Unloaded, whole
from trestle.outbound import OutboundError

if TYPE_CHECKING:
    from executor.run import Run
    from executor.step import StepRun

_log = structlog.get_logger("executor.attempt")

OUTCOME_UNKNOWN = "OutcomeUnknown"
NODE_BUG = "NodeBug"
UNKNOWN_HINT = "Look at the service whether it was done. Then start the workflow again, or go on by hand. It is not repeated by itself."


@dataclass(slots=True)
class Done:
    """The node returned something. `text` is its output, encoded, without secrets. `answer`: what the webhook's caller gets."""

    port: str
    text: EncodedJson
    answer: WebhookAnswer | None = None


@dataclass(slots=True)
class Failure:
    """The attempt failed. `outcome_unknown`: the other side may have done it all the same. `stops`: and with it the execution."""

    error: StepError
    retryable: bool = False
    outcome_unknown: bool = False
    retry_after_s: float | None = None
    stops: bool = False
    restart: bool = False
    """What it waited for is used up: the next attempt begins anew."""


class NotStarted:
    """A halt came first."""


async def attempt(run: "Run", step: "StepRun") -> Done | Failure | Wait | Throttled | NotStarted:
    """Makes one attempt. Raises only when the execution is lost or cancelled."""
    try:
        return await _attempt(run, step)
    finally:
        if run.large.known:
            run.large.release(step)


async def _attempt(run: "Run", step: "StepRun") -> Done | Failure | Wait | Throttled | NotStarted:
    prepared = step.prepared
    received = step.received(run)
    context = StepContext(run, step, received)
    effect: Effect = "unsafe"
    try:
        kind = prepared.kind
        template = prepared.template
        scope = step.scope(run, received)
        while True:
            try:
                config = template.render(scope)
                break
            except Unloaded as missing:
                await run.large.hold(step, missing.references)
        if run.large.known and "input" not in kind.takes_references:
            received = await _loaded_input(run, step, received)
            context.item = await _loaded(run, step, step.item)
        effect = prepared.effect(config)
    except LanguageError as error:
        return Failure(expression_error(prepared.key, error))
    except NodeError as error:
        return Failure(StepError(type=error.type, message=f"{prepared.label}: {error.message}", hint=error.hint))
    except Exception as error:  # noqa: BLE001  # a plug-in's effect_of may raise anything
        return _bug(run, step, error, "unsafe")
    if effect == "pure":
        step.begin(run)
    else:
        if step.interrupted and effect == "unsafe":
            message = f"{prepared.label} was running when its executor was lost. Whether it was done is not known."
            return Failure(StepError(type=OUTCOME_UNKNOWN, message=message, hint=UNKNOWN_HINT), outcome_unknown=True)
        if not await _admit(run, step, effect):
            return NotStarted()
    return await _run(run, step, context, kind, config, received, effect)


async def _loaded(run: "Run", step: "StepRun", value: Any) -> Any:
    """The value with its large parts in it, for a node to keep: what others see it can't change."""
    while True:
        try:
            found = whole(value)
        except Unloaded as missing:
            await run.large.hold(step, missing.references)
        else:
            return value if found is value else orjson.loads(orjson.dumps(found))


async def _loaded_input(run: "Run", step: "StepRun", received: JsonValue) -> JsonValue:
    """As the decoded input: anew for each attempt, once for all items of a for-each."""
    items = step.siblings
    if items is None:
        return await _loaded(run, step, received)
    async with items.loading:
        if items.loaded is None:
            items.loaded = await _loaded(run, step, received)
    return items.loaded


async def _admit(run: "Run", step: "StepRun", effect: Effect) -> bool:
    """Holds a step with effects back until all it builds on is recorded and the lease holds. False where a halt came meanwhile.

    That an unsafe step is running is recorded before it starts: otherwise a successor could not know of it.
    """
    step.begin(run)
    step.tell_running(run)
    if run.unrecorded or effect == "unsafe":
        await run.recorded()
    else:
        run.reporter.send()
    if not run.ownership.holds():
        await run.ownership.held()
    step.started = time.monotonic()
    return run.halted is None


async def _run(
    run: "Run", step: "StepRun", context: StepContext, kind: Any, config: BaseModel, input: Any, effect: Effect
) -> Done | Failure | Wait | Throttled:
    timeout_s = step.prepared.node.timeout_s
    try:
        resumed = await _answered(run, step, kind)
        if timeout_s is None:
            result = await _called(run, step, context, kind, config, input, resumed, effect)
        else:
            async with asyncio.timeout(timeout_s) as limit:
                result = await _called(run, step, context, kind, config, input, resumed, effect)
        if isinstance(result, Wait):
            return _checked(result, step, context)
        if isinstance(result, Stop):
            if result.status == "failed":
                return Failure(stopped_error(step.prepared.key, context.redactor.text(result.message)), stops=True)
            port, value = STOPPED, result.output
        else:
            port, value = (result.port, result.value) if isinstance(result, Branch) else (MAIN, result)
        if port not in (MAIN, STOPPED) and port not in step.prepared.ports():
            raise ValueError(f"left by the port “{port}”, which it does not have")
        if context.redactor:
            value = context.redactor.value(value)
        return Done(port, await run.large.store(value), _redacted(context))
    except Throttled as throttled:
        return throttled
    except NodeError as error:
        redact = context.redactor.text
        told = StepError(type=error.type, message=redact(error.message), hint=redact(error.hint))
        return _judged(Failure(told, error.retryable, error.outcome_unknown, error.retry_after_s, restart=error.restart), effect)
    except LanguageError as error:
        return Failure(expression_error(step.prepared.key, error))
    except TimeoutError as error:
        if timeout_s is None or not limit.expired():
            return _bug(run, step, error, effect)
        told = StepError(
            type="Timeout",
            message=f"{step.prepared.label} did not finish within {timeout_s:g} s.",
            hint="Raise the node's “Time limit” (under “Policies”), or find out why it is slow.",
        )
        return _judged(Failure(told, retryable=True, outcome_unknown=True), effect)
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        return _bug(run, step, error, effect)
    except OutboundError as error:
        known = failure(error)
        return _judged(Failure(known.as_step_error(), known.retryable, known.outcome_unknown), effect)
    except Exception as error:  # noqa: BLE001  # whatever else a node raises is its bug, and told as one
        return _bug(run, step, error, effect)


async def _called(
    run: "Run", step: "StepRun", context: StepContext, kind: Any, config: BaseModel, input: Any, resumed: Resumed | None, effect: Effect
) -> Any:
    """What the node returns. A pure one that comes upon a large value on its way gets it, and starts again."""
    while True:
        try:
            return await (kind.run(config, input, context) if resumed is None else kind.resume(config, input, context, resumed))
        except Unloaded as missing:
            if effect != "pure":
                raise
            await run.large.hold(step, missing.references)


async def _answered(run: "Run", step: "StepRun", kind: Any) -> Resumed | None:
    """What ended its wait, with the large parts of the answer."""
    resumed, resolution = step.resumed, step.resolution
    if resumed is None or resolution is None or not resolution.refs:
        return resumed
    answer = placed(orjson.loads(orjson.dumps(resolution.answer)), resolution.refs, run.large.opened)
    run.large.known = True
    return replace(resumed, answer=answer if "input" in kind.takes_references else await _loaded(run, step, answer))


def _checked(wait: Wait, step: "StepRun", context: StepContext) -> Wait:
    """The wait, as it can be stored. Raises ValueError (the node's bug), `BadOutput`."""
    if wait.until is None and wait.token is None:
        raise ValueError("waits for nothing: neither `until` nor `token` is given")
    if wait.until is not None and wait.until.tzinfo is None:
        raise ValueError("waits until a time without a zone")
    if wait.token is not None and step.resolution is not None:
        raise ValueError("waits for a second answer: a step gets one")
    encode(wait.state)
    return replace(wait, state=context.redactor.value(wait.state)) if context.redactor else wait


def _redacted(context: StepContext) -> WebhookAnswer | None:
    answer = context.answer
    if answer is not None and answer.body is not None and context.redactor:
        answer.body = encode(context.redactor.value(decode(answer.body)))
    return answer


def _judged(failure: Failure, effect: Effect) -> Failure:
    """What an unknown outcome means for a step that may not be repeated: a person has to decide."""
    if failure.outcome_unknown and effect == "unsafe":
        failure.retryable = False
        message = f"{failure.error.message} Whether it was done is not known."
        failure.error = StepError(type=OUTCOME_UNKNOWN, message=message, hint=UNKNOWN_HINT)
    return failure


def _bug(run: "Run", step: "StepRun", error: BaseException, effect: Effect) -> Failure:
    """The traceback goes to the log only: it may hold values that nobody but the operator should see."""
    node = step.prepared
    _log.error("a node has a bug", execution=str(run.job.execution_id), node=node.key, type=node.type, exc_info=error)
    told = StepError(
        type=NODE_BUG,
        message=f"{step.prepared.label} broke down with {error.__class__.__name__}. This is a mistake in the node type “{node.type}”.",
        hint="The executor's log has the details. Report it to the author of the node.",
    )
    return Failure(told, retryable=effect != "unsafe", outcome_unknown=effect != "pure")


def expression_error(key: str, error: LanguageError) -> StepError:
    """What is wrong with an expression: which node and field, what it says, what to do."""
    field = error.field.lstrip("/").replace("/", ".")
    where = f"The field “{field}” of the node “{key}”" if field else f"An expression of the node “{key}”"
    source = f" In: {error.expression[:200]}" if error.expression else ""
    return StepError(type="ExpressionError", message=f"{where}: {error.message}{source}", hint=error.hint or "Change the expression.")


def stopped_error(key: str, message: str) -> StepError:
    """What an execution says that a step ended as failed."""
    return StepError(type="Stopped", message=message or f"The node “{key}” ended the execution as failed.")


def elapsed_ms(since: float) -> float:
    """Milliseconds since a reading of time.monotonic, to a microsecond."""
    return round((time.monotonic() - since) * 1000, 3)
