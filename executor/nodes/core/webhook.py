"""`trigger.webhook`: an HTTP call starts the workflow. The backend answers the call; this says how."""

from typing import Literal

from pydantic import Field

from executor.credentials import Hmac, Jwt
from executor.node import Basic, Bearer, Header, Static, Trigger, Use
from executor.node import Config as Base

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]


class Auth(Base):
    """How a caller proves who it is."""

    kind: Static[Literal["none", "basic", "header", "jwt", "hmac", "github", "stripe", "standard"]] = Field(
        "none",
        title="Scheme",
        description="hmac, github, stripe and standard (Standard Webhooks) are signatures of the body, made with a signing secret. "
        "Those of stripe and standard are good for 5 minutes",
    )
    credential: Use[Basic | Header | Bearer | Jwt | Hmac] | None = Field(
        None, title="Credential", description="What the caller must know. Without it every call is refused, unless the scheme is none"
    )
    header: Static[str] | None = Field(
        None,
        title="Signature header",
        description="For hmac: the header with the signature, in hex or base64, with or without sha256=. Left out: X-Signature",
        examples=["X-Signature"],
        pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$",
    )
    timestamp_header: Static[str] | None = Field(
        None,
        title="Time header",
        description="For hmac: the header with the time of sending, in Unix seconds. The signature is then over the time, a dot and "
        "the body, and good for 5 minutes",
        examples=["X-Timestamp"],
        pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$",
    )


class Config(Base):
    """Literal throughout, but `dedupe`: there is no execution yet whose data an expression could use."""

    path: Static[str] | None = Field(
        None,
        title="Path",
        description="The URL's end, after /webhooks/. Left out: a long random one, which nobody can guess",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_./-]{0,199}$",
        examples=["leads"],
    )
    methods: Static[list[Method]] = Field(["POST"], title="Methods", description="Other methods are answered 405", min_length=1)
    auth: Auth = Field(default_factory=Auth, title="Authentication")
    respond: Static[Literal["immediately", "when_finished", "node"]] = Field(
        "immediately",
        title="Answer",
        description="At once with the execution's id; when the workflow has finished, with its output; or by a Respond node",
    )
    dedupe: str | None = Field(
        None,
        title="Once per",
        description="An expression: calls for which it gives the same value start the workflow once. Without it, or where it gives "
        "nothing, the sender's own id counts: X-GitHub-Delivery (github), the event's id (stripe), webhook-id (standard)",
        examples=["{{ payload.id }}"],
    )
    response_timeout_s: Static[float] = Field(
        30, title="Longest wait for the answer (seconds)", description="After that the caller gets the execution's id", gt=0, le=300
    )


class WebhookTrigger(Trigger[Config]):
    """Starts when its URL is called. The call's body is the payload; headers, query and method are in `trigger`."""

    type, title, icon = "trigger.webhook", "Webhook", "webhook"
    summary = "/{path}"
    example = {"path": "leads", "methods": ["POST"]}
    fires_itself = True
