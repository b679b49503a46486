"""`http.request`: calls a URL, and passes the answer on."""

import base64
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from executor.http import HttpAnswer, HttpCall, call, host_of, is_binary, retry_after_s, shown
from executor.node import (
    Basic,
    Bearer,
    Context,
    CredentialRefused,
    Effect,
    Header,
    JsonObject,
    JsonValue,
    Node,
    NodeError,
    OAuth2,
    RateLimit,
    Reference,
    SecretData,
    Static,
    Use,
)
from executor.node import Config as Base
from trestle.contracts.jobs import BLOB_BYTES

if TYPE_CHECKING:
    from trestle.outbound import Response

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]
Pattern = Annotated[str, Field(pattern=r"^[1-5](\d\d|xx)$")]
MAX_HELD = 10 * 1024 * 1024
"""An answer that is larger (bytes) is a file, even where it is text or JSON; only `json` and `text` insist, and fail."""
TOO_MANY = 429
UNAUTHORISED = 401
RETRYABLE = frozenset({408, 425, 429, 500, 502, 503, 504})
REFUSED_AGAIN = (
    "The service refused a new token too. Check that the credential is for this service and its scopes suffice, then connect it again."
)


class Config(Base):
    """The request, and which answers are a success."""

    method: Method = Field("GET", title="Method")
    url: str = Field(title="URL", min_length=1, json_schema_extra={"format": "uri"}, examples=["https://example.com/orders"])
    query: dict[str, JsonValue] = Field(
        default_factory=dict, title="Query", description="Added to the URL. A list repeats its name, null leaves it out"
    )
    headers: dict[str, str | int | float | bool | None] = Field(default_factory=dict, title="Headers")
    credential: Use[Bearer | Basic | Header | OAuth2] | None = Field(
        None, title="Credential", description="Sent as the request's authorisation"
    )
    body: JsonValue = Field(None, title="Body", examples=[{"name": "{{ payload.name }}"}])
    body_format: Static[Literal["json", "form", "multipart", "raw"]] = Field(
        "json",
        title="Body's format",
        description="Form and multipart take an object; a file is {filename, content, content_type}, bytes with `base64: true`. "
        "A file that another request fetched is sent on as a raw body, or as a part's content",
    )
    response: Static[Literal["auto", "json", "text", "blob"]] = Field(
        "auto",
        title="Read the answer as",
        description="Auto goes by the answer's content type; other bytes become {base64, content_type}, or a file where there are many. "
        "Blob: a file of any size, which other steps can send on",
    )
    success: list[Pattern] = Field(
        ["2xx"], title="Success", description="Every other status fails the step", min_length=1, examples=[["2xx", "404"]]
    )
    follow_redirects: bool = Field(True, title="Follow redirects", description="Up to 5; secrets don't go along to another origin")
    timeout_s: float = Field(30, title="Time limit (seconds)", description="For the whole call", gt=0, le=3600)
    rate: RateLimit | None = Field(
        None, title="Rate limit", description="For all calls of this host that have the same limit; a credential may have one of its own"
    )
    rerun: Static[bool] = Field(
        True,
        title="May be repeated",
        description="Off, for services that ignore the Idempotency-Key: a call whose outcome is unknown is then not repeated",
    )


class HttpRequest(Node[Config]):
    """Calls a URL and passes on status, headers and body. Repeats carry the same Idempotency-Key."""

    type, title, group, icon = "http.request", "HTTP request", "Network", "globe"
    effect = "idempotent"
    takes_references = ("input", "config")
    summary = "{method} {url}"
    example = {"method": "POST", "url": "https://example.com/orders", "body": {"name": "{{ payload.name }}"}}

    def effect_of(self, config: Config) -> Effect:
        """Unsafe where the service would take a repeat for a second order."""
        return "idempotent" if config.rerun else "unsafe"

    async def run(self, config: Config, input: JsonValue, ctx: Context) -> JsonObject:
        """`{status, headers, body}`, header names in lower case."""
        headers = {name: _text(value) for name, value in config.headers.items() if value is not None}
        if not any(name.lower() == "idempotency-key" for name in headers):
            headers["Idempotency-Key"] = ctx.idempotency_key
        credential, secret = config.credential, None
        if credential is not None:
            secret = await ctx.secret(credential)
            _authorise(headers, secret, config.url)
        download = _Download(config, ctx)
        request = HttpCall(
            config.method,
            config.url,
            config.query,
            headers,
            body=await _body(config, headers, ctx),
            timeout_s=config.timeout_s,
            limited_by=Config.model_fields["timeout_s"].title or "",
            follow_redirects=config.follow_redirects,
            receive=download.receive if config.response in ("auto", "blob") else None,
        )
        host = host_of(config.url)
        await ctx.turn(host, config.rate)
        answer = await call(ctx.http, request)
        hint = ""
        if answer.status == UNAUTHORISED and credential is not None and _is_renewable(secret) and not _is_success(config, UNAUTHORISED):
            try:  # once: a second refusal is not about the token's age
                _authorise(headers, await ctx.secret(credential, refused=secret), config.url)
            except CredentialRefused as refused:
                hint = f"{refused.message} {refused.hint}"
            else:
                answer, hint = await call(ctx.http, request), REFUSED_AGAIN
        if answer.status == TOO_MANY and (pause_s := retry_after_s(answer.headers.get("retry-after"), ctx.now)):
            await ctx.slow_down(host, pause_s)
        if not _is_success(config, answer.status):
            raise _failure(config, answer, ctx, hint if answer.status == UNAUTHORISED else "")
        body = download.stored if config.response == "blob" or download.stored is not None else answer.read(config.response)
        return {"status": answer.status, "headers": answer.headers, "body": body}


class _Download:
    """Reads an answer: into a blob where one is asked for, or where it is large; else into memory."""

    def __init__(self, config: Config, ctx: Context) -> None:
        self._config = config
        self._ctx = ctx
        self.stored: Reference | None = None

    async def receive(self, head: "Response", pieces: AsyncIterator[bytes]) -> bytes:
        """The body, or nothing where it is `stored`. Of an answer that fails the step anyway only the beginning is read."""
        good = _is_success(self._config, head.status)
        beginning = bytearray()
        async for piece in pieces:
            beginning += piece
            if self._config.response == "blob" and good:
                break
            if len(beginning) > BLOB_BYTES and (not good or len(beginning) > MAX_HELD or is_binary(head.media_type, bytes(beginning))):
                break
        else:
            return bytes(beginning)
        if not good:
            return bytes(beginning)

        async def all_pieces() -> AsyncIterator[bytes]:
            yield bytes(beginning)
            beginning.clear()
            async for piece in pieces:
                yield piece

        self.stored = await self._ctx.store(all_pieces(), head.headers.get("Content-Type", ""))
        return b""


def _authorise(headers: dict[str, str], secret: Bearer | Basic | Header | OAuth2, url: str) -> None:
    secret.check_host(host_of(url))
    name, value = secret.header()
    for given in [given for given in headers if given.lower() == name.lower()]:
        del headers[given]
    headers[name] = value


async def _body(config: Config, headers: dict[str, str], ctx: Context) -> dict[str, Any]:
    """The client's argument for the body; none for null."""
    body = config.body
    if body is None:
        return {}
    if config.body_format == "json":
        return {"json": await ctx.load(body)}
    if config.body_format == "raw":
        if isinstance(body, Reference):
            if not any(name.lower() == "content-type" for name in headers):
                headers["Content-Type"] = body.media_type
            return {"body": _stream(body, ctx)}
        if not isinstance(body, str):
            raise NodeError("A raw body is a text.", hint="Choose another format for the body, or write {{ input|tojson }}.")
        if not any(name.lower() == "content-type" for name in headers):
            headers["Content-Type"] = "text/plain; charset=utf-8"
        return {"body": body}
    if not isinstance(body, dict):
        raise NodeError(f"The body of a {config.body_format} request is an object.", hint="Give names and values.")
    return {"form": await ctx.load(body)} if config.body_format == "form" else {"multipart": await _parts(body, ctx)}


def _stream(reference: Reference, ctx: Context) -> Any:
    from trestle.outbound import Stream

    return Stream(lambda: ctx.read(reference), reference.size)


async def _parts(body: JsonObject, ctx: Context) -> list[Any]:
    from trestle.outbound import Part

    parts = []
    for name, value in body.items():
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, dict) and isinstance(one.get("content"), Reference):
                file, kind = one["content"], one.get("content_type")
                parts.append(Part(name, _stream(file, ctx), str(one.get("filename") or name), str(kind or file.media_type)))
            elif isinstance(one, Reference):
                parts.append(Part(name, _stream(one, ctx), name, one.media_type))
            elif isinstance(one, dict) and "content" in one:
                content, kind = _text(one["content"]), one.get("content_type")
                parts.append(Part(name, _bytes(name, content) if one.get("base64") else content, str(one.get("filename") or name), kind))
            elif one is not None:
                parts.append(Part(name, _text(one)))
    return parts


def _bytes(name: str, text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise NodeError(f"The content of the part {name} is not base64.", hint="Set `base64` to false, or encode the content.") from None


def _text(value: JsonValue) -> str:
    if isinstance(value, str):
        return value
    import json

    return json.dumps(value, ensure_ascii=False)


def _is_renewable(secret: SecretData | None) -> bool:
    return secret is not None and secret.version is not None


def _is_success(config: Config, status: int) -> bool:
    return any(_matches(status, pattern) for pattern in config.success)


def _matches(status: int, pattern: str) -> bool:
    return str(status) == pattern or (pattern.endswith("xx") and str(status)[0] == pattern[0])


def _failure(config: Config, answer: HttpAnswer, ctx: Context, hint: str) -> NodeError:
    wait = retry_after_s(answer.headers.get("retry-after"), ctx.now)
    piece = answer.piece()
    return NodeError(
        f"{config.method} {shown(config.url)} answered {answer.title}" + (f": {piece}" if piece else "."),
        hint=hint or _hint(answer.status),
        retryable=answer.status in RETRYABLE,
        retry_after_s=wait if answer.status in RETRYABLE else None,
        type=f"HTTP {answer.status}",
    )


def _hint(status: int) -> str:
    hints = {
        400: "Compare the body and the query with what the service expects.",
        401: "Choose a credential, or renew the one that is chosen.",
        403: "The credential may not do this. Check its rights at the service.",
        404: "Check the URL.",
        405: "Choose another method.",
        409: "The thing exists already, or was changed by somebody else.",
        413: "Send less at a time.",
        415: "Choose another format for the body.",
        422: "Compare the body with what the service expects.",
        429: "The service asks for fewer calls. Give the node a rate per second.",
    }
    if status < 400:
        return "Turn “follow redirects” on, or add this status to the successes."
    return hints.get(status) or (
        "The service has a problem. Try later, or ask its operator."
        if status >= 500
        else "Compare the request with what the service expects."
    )
