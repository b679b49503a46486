"""`approval`: goes on when a person has decided."""

from datetime import datetime, timedelta
from uuid import UUID

from pydantic import Field

from executor.node import Branch, Context, JsonObject, JsonValue, Multiline, Node, Resumed, Wait
from executor.node import Config as Base

WEEK_S = 7 * 86_400
YEAR_S = 366 * 86_400
MAX_REMINDERS = 10


class Config(Base):
    """What is asked, who is asked, and for how long."""

    title: str = Field(title="Title", min_length=1, max_length=200, examples=["Refund order {{ payload.id }}?"])
    message: Multiline = Field("", title="Message", description="What one needs to know to decide", max_length=5_000)
    recipients: list[str] = Field(
        default_factory=list,
        title="Recipients",
        description="Roles, labels, e-mail addresses or ids: they are told in the app. Whoever has the link may decide",
        examples=[["admin", "ada@example.com"]],
    )
    timeout_s: float = Field(WEEK_S, title="Longest wait (seconds)", description="After that it goes on by `timeout`", gt=0, le=YEAR_S)
    remind_after_s: float | None = Field(
        None, title="Remind every (seconds)", description="Until it is decided, up to ten times", ge=1, le=YEAR_S
    )


class Approval(Node[Config]):
    """Asks people to approve or reject, on a page whose link they get. Goes on by what they decide, the first decision counts."""

    type, title, group, icon = "approval", "Approval", "Flow", "user-check"
    effect = "idempotent"
    answered_by = "approval"
    takes_references = ("input",)
    outputs = ("approved", "rejected", "timeout")
    summary = "{title}"
    example = {
        "title": "Refund order {{ payload.id }}?",
        "message": "{{ payload.amount }} EUR",
        "recipients": ["admin"],
        "timeout_s": 86400,
    }

    async def run(self, config: Config, input: JsonValue, ctx: Context) -> Wait:
        """The wait, once the recipients are told."""
        await _tell(config, ctx, config.title)
        deadline = ctx.now + timedelta(seconds=config.timeout_s)
        return _wait(config, ctx, {"title": config.title, "message": config.message, "deadline": deadline.isoformat(), "reminded": 0})

    async def resume(self, config: Config, input: JsonValue, ctx: Context, resumed: Resumed) -> Branch | Wait:
        """`{decision, comment, by, at}` by the decision's port, the input by `timeout`, or a reminder and another wait."""
        if isinstance(resumed.answer, dict):
            answer = {name: resumed.answer.get(name) for name in ("decision", "comment", "by", "at")}
            return Branch("approved" if answer["decision"] == "approved" else "rejected", answer)
        state = dict(resumed.state)
        if ctx.now >= datetime.fromisoformat(state["deadline"]):
            return Branch("timeout", input)
        state["reminded"] += 1
        await _tell(config, ctx, f"Reminder: {config.title}"[:200], occasion=f"reminder {state['reminded']}")
        return _wait(config, ctx, state)


def _wait(config: Config, ctx: Context, state: JsonObject) -> Wait:
    """Until the next reminder, or the end."""
    until = datetime.fromisoformat(state["deadline"])
    if config.remind_after_s is not None and state["reminded"] < MAX_REMINDERS:
        until = min(until, ctx.now + timedelta(seconds=config.remind_after_s))
    return Wait(until=until, token="approval", state=state)  # noqa: S106  # a kind of token


async def _tell(config: Config, ctx: Context, title: str, occasion: str = "") -> None:
    message, link = config.message or config.title, ctx.resume_url("approval")
    for recipient in dict.fromkeys(name.strip() for name in config.recipients if name.strip()):
        to_user = recipient if _is_person(recipient) else None
        to_role = None if to_user else recipient
        if not await ctx.notify(message, to_role=to_role, to_user=to_user, title=title, link=link, occasion=occasion):
            ctx.log.warning(f"There is nobody to ask: {recipient}.")


def _is_person(recipient: str) -> bool:
    try:
        return "@" in recipient or bool(UUID(recipient))
    except ValueError:
        return False
