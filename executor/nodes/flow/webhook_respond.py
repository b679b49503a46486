"""`webhook.respond`: what the webhook's caller gets."""

from pydantic import Field

from executor.node import Config as Base
from executor.node import Context, JsonValue, Node


class Config(Base):
    """The answer."""

    status: int = Field(200, title="Status", ge=200, le=599)
    headers: dict[str, str | int | float | bool] = Field(default_factory=dict, title="Headers", examples=[{"X-Order": "{{ payload.id }}"}])
    body: JsonValue = Field(None, title="Body", description="A text is sent as it is, anything else as JSON", examples=[{"ok": True}])


class WebhookRespond(Node[Config]):
    """Answers the call that started the workflow, if it waits for a node's answer; the first answer counts. Passes its input on."""

    type, title, group, icon = "webhook.respond", "Respond to webhook", "Flow", "reply"
    # The answer is part of the step's record: what is not recorded was not said, so that a repeat is harmless.
    effect = "pure"
    takes_references = ("input", "config")
    summary = "{status}"
    example = {"status": 200, "body": {"received": "{{ payload.id }}"}}

    async def run(self, config: Config, input: JsonValue, ctx: Context) -> JsonValue:
        """The input, unchanged."""
        headers = {name: value if isinstance(value, str) else str(value).lower() for name, value in config.headers.items()}
        ctx.respond(config.status, headers, config.body)
        return input
