"""`wait.webhook`: goes on when somebody calls an address."""

from datetime import timedelta

from pydantic import Field

from executor.node import Branch, Context, JsonValue, Node, Resumed, Wait
from executor.node import Config as Base

WEEK_S = 7 * 86_400
YEAR_S = 366 * 86_400


class Config(Base):
    """For how long."""

    timeout_s: float = Field(WEEK_S, title="Longest wait (seconds)", description="After that it goes on by `timeout`", gt=0, le=YEAR_S)


class WaitWebhook(Node[Config]):
    """Waits until its address is called, once, and passes that call on. The address shows on the waiting step; earlier nodes
    have it as execution.resume_url and this node's key."""

    type, title, group, icon = "wait.webhook", "Wait for a call", "Flow", "hourglass"
    effect = "idempotent"
    answered_by = "webhook"
    takes_references = ("input",)
    outputs = ("main", "timeout")
    summary = "for up to {timeout_s}"
    example = {"timeout_s": 3600}

    async def run(self, config: Config, input: JsonValue, ctx: Context) -> Wait:
        """The wait."""
        return Wait(until=ctx.now + timedelta(seconds=config.timeout_s), token="webhook")  # noqa: S106  # a kind of token

    async def resume(self, config: Config, input: JsonValue, ctx: Context, resumed: Resumed) -> Branch:
        """`{method, headers, query, body}` of the call by `main`, or the input by `timeout`."""
        return Branch("timeout", input) if resumed.answer is None else Branch("main", resumed.answer)
