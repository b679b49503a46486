"""For authors of nodes: run a node as the engine would, and check that it keeps the rules.

from executor.testing import RecordingContext, rule_breaks, run_node

assert rule_breaks(Greet()) == []
ctx = RecordingContext()
assert await run_node(Greet(), {"name": "{{ payload.name }}"}, payload={"name": "Ada"}, ctx=ctx) == "Hello, Ada!"
assert ctx.log.lines == [("info", "greeted")]
"""

import re
from collections.abc import AsyncIterator, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID, uuid4

from pydantic import ValidationError

from executor.config import ConfigTemplate
from executor.credentials import SecretData
from executor.errors import BrokenNode, CredentialRefused, NodeError
from executor.fields import Use
from executor.identity import identity
from executor.node import Branch, ExecutionInfo, Node, Polled, PollingTrigger, Resumed, Stop, Wait
from executor.registry import describe
from trestle.contracts.base import JsonObject, JsonValue
from trestle.contracts.credentials import RateLimit
from trestle.contracts.jobs import Secret
from trestle.contracts.resume_tokens import TokenKind
from trestle.language import LanguageError, Reference, Scope, content, replaced

if TYPE_CHECKING:
    from trestle.outbound import OutboundClient

S = TypeVar("S", bound=SecretData)

DRAWABLE = {"string", "number", "integer", "boolean", "array", "object", "null"}
SECRET_NAMES = re.compile(r"(^|_)(password|passwd|secret|token|api_?key|private_key|credentials?)($|_)")
FIELD_IN_SUMMARY = re.compile(r"{([^}]*)}")


@dataclass
class RecordedLog:
    """Keeps `(level, message)` of every line."""

    lines: list[tuple[str, str]] = field(default_factory=list)

    def debug(self, message: str) -> None:
        """Records."""
        self.lines.append(("debug", message))

    def info(self, message: str) -> None:
        """Records."""
        self.lines.append(("info", message))

    def warning(self, message: str) -> None:
        """Records."""
        self.lines.append(("warning", message))

    def error(self, message: str) -> None:
        """Records."""
        self.lines.append(("error", message))


@dataclass
class RecordingContext:
    """A `Context` that stands alone. `secrets` are by credential id; `client` is needed only by nodes that call out.

    It keeps what a node asked for: `started` workflows, `told` people, the `answer` to the webhook's caller.
    """

    client: "OutboundClient | None" = None
    secrets: dict[UUID, Secret] = field(default_factory=dict)
    renewed: dict[UUID, Secret] = field(default_factory=dict)
    inputs: Mapping[str, JsonValue] = field(default_factory=dict)
    names: Mapping[str, JsonValue] = field(default_factory=dict)
    node: str = "tested"
    attempt: int = 1
    idempotency_key: str = "0" * 64
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    item: JsonValue = None
    index: int | None = None
    log: RecordedLog = field(default_factory=RecordedLog)
    execution: ExecutionInfo = field(
        default_factory=lambda: ExecutionInfo(
            id=uuid4(), workflow_id=uuid4(), workflow_name="Test", version=None, attempt=1, created_at=datetime.now(UTC)
        )
    )

    started: list[tuple[UUID, JsonValue, bool]] = field(default_factory=list)
    """`(workflow, input, wait)` of each child."""
    child_id: UUID = field(default_factory=uuid4)
    told: list[dict[str, Any]] = field(default_factory=list)
    recipients: int = 1
    stored: dict[UUID, bytes] = field(default_factory=dict)
    """Bytes of large values, by id."""
    answer: tuple[int, dict[str, str], JsonValue] | None = None
    turns: list[tuple[str, RateLimit | None]] = field(default_factory=list)
    remembers: set[Hashable] = field(default_factory=set)
    slowed_down: list[tuple[str, float]] = field(default_factory=list)

    @property
    def http(self) -> "OutboundClient":
        """The client that it was given."""
        if self.client is None:
            raise RuntimeError("This node calls out: give RecordingContext a client.")
        return self.client

    async def secret(self, use: Use[S], *, refused: S | None = None) -> S:
        """The secret of that id, as its type; its `renewed` one in the place of one that was refused."""
        if use.id not in self.secrets:
            raise CredentialRefused(f"There is no credential {use.id}.", hint="Put it into RecordingContext(secrets=…).")
        if refused is not None:
            if use.id not in self.renewed:
                raise CredentialRefused("It can't be renewed.", hint="Put a newer one into RecordingContext(renewed=…).")
            self.secrets[use.id] = self.renewed.pop(use.id)
        return use.open(self.secrets[use.id])

    async def turn(self, host: str, rate: RateLimit | None = None) -> None:
        """Records; it is always in turn."""
        self.turns.append((host, rate))

    async def slow_down(self, host: str, seconds: float) -> None:
        """Records."""
        self.slowed_down.append((host, seconds))

    def resume_url(self, kind: TokenKind) -> str:
        """An address that says what it is."""
        return f"http://trestle.test/{'resume' if kind == 'webhook' else 'approvals'}/{self.node}"

    async def start_workflow(self, workflow_id: UUID, input: JsonValue, *, wait: bool) -> UUID:
        """Records, and gives `child_id`."""
        self.started.append((workflow_id, input, wait))
        return self.child_id

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
        """Records, and gives `recipients`."""
        self.told.append({"message": message, "to_role": to_role, "to_user": to_user, "title": title, "link": link, "occasion": occasion})
        return self.recipients

    async def load(self, value: JsonValue) -> JsonValue:
        """The value, with what `stored` holds in the place of each reference."""
        return replaced(value, lambda reference: content(reference.media_type, self.stored[reference.id]))

    async def store(self, pieces: AsyncIterator[bytes], media_type: str) -> Reference:
        """Keeps them in `stored`."""
        data = b"".join([piece async for piece in pieces])
        reference = Reference(uuid4(), len(data), media_type)
        self.stored[reference.id] = data
        return reference

    async def read(self, reference: Reference) -> AsyncIterator[bytes]:
        """What `stored` holds."""
        yield self.stored[reference.id]

    async def remember(self, values: Sequence[JsonValue], *, forget_after_s: float) -> list[bool]:
        """By what it `remembers`, and adds to it."""
        fresh = []
        for value in values:
            fresh.append(identity(value) not in self.remembers)
            self.remembers.add(identity(value))
        return fresh

    def respond(self, status: int, headers: Mapping[str, str], body: JsonValue) -> None:
        """Records."""
        self.answer = (status, dict(headers), body)


async def run_node(
    node: Node[Any], config: JsonObject, input: JsonValue = None, *, ctx: RecordingContext | None = None, **names: Any
) -> JsonValue | Branch | Wait | Stop:
    """Runs one attempt: renders and validates `config` with the `names` of the language (payload=…, nodes=…), then calls `run`.

    Raises what the step would fail with: `LanguageError`, `NodeError`, or whatever bug the node has.
    """
    context, rendered = _prepared(node, config, input, ctx, names)
    return await node.run(rendered, input, context)


async def resume_node(
    node: Node[Any],
    config: JsonObject,
    input: JsonValue = None,
    *,
    state: JsonValue = None,
    answer: JsonValue = None,
    ctx: RecordingContext | None = None,
    **names: Any,
) -> JsonValue | Branch | Wait | Stop:
    """What follows a `Wait`: as `run_node`, but calls `resume`. `answer` None: the wait's time has come."""
    context, rendered = _prepared(node, config, input, ctx, names)
    return await node.resume(rendered, input, context, Resumed(state, answer))


async def poll_node(
    trigger: PollingTrigger[Any], config: JsonObject, state: JsonValue = None, *, ctx: RecordingContext | None = None
) -> Polled:
    """Asks a trigger for what is new since `state`."""
    context, rendered = _prepared(trigger, config, None, ctx, {})
    return await trigger.poll(rendered, state, context)


def _prepared(
    node: Node[Any], config: JsonObject, input: JsonValue, ctx: RecordingContext | None, names: dict[str, Any]
) -> tuple[RecordingContext, Any]:
    context = ctx or RecordingContext()
    scope = Scope(input=input, now=context.now, **names)
    context.names = {**context.names, **scope.roots}
    return context, template_of(node, config).render(scope)


def template_of(node: Node[Any], config: JsonObject) -> ConfigTemplate[Any]:
    """The config, compiled as for the engine."""
    return ConfigTemplate(node, describe(node).config_schema, config)


def rule_breaks(node: Node[Any]) -> list[str]:
    """Every rule that a node breaks, in words; empty for a good one.

    The rules: it describes itself; its form can be drawn; each field has a title; secrets come through `Use` only; the
    summary names fields that exist; the example is a config that works.
    """
    try:
        described = describe(node)
    except BrokenNode as error:
        return [str(error)]
    schema = described.config_schema
    fields: JsonObject = schema.get("properties", {})
    breaks = [*_undrawable(schema, schema.get("$defs", {}), "config", 0)]
    breaks += [f"{name} holds a secret as it seems: use Use[…]" for name, part in _all_fields(schema) if _looks_secret(name, part)]
    breaks += [f"the summary names the field {name}, which isn't there" for name in _summary_fields(described.summary) - set(fields)]
    if described.ports_from is not None and described.ports_from not in fields:
        breaks.append(f"ports_from names the field {described.ports_from}, which isn't there")
    if described.effect not in ("pure", "idempotent", "unsafe"):
        breaks.append(f"the effect {described.effect!r} is none of pure, idempotent, unsafe")
    breaks += [f"takes_references names {name}: it is input or config" for name in {*node.takes_references} - {"input", "config"}]
    return breaks + _example_breaks(node, described.example)


def _undrawable(schema: Any, defs: JsonObject, path: str, depth: int) -> Iterator[str]:
    """What a form can't draw: types unknown to JSON Schema, unions of objects that nothing tells apart, deep nesting."""
    if schema is True or not isinstance(schema, dict) or (not schema.keys() & {"type", "anyOf", "oneOf", "enum", "const", "$ref"}):
        return  # anything: drawn as a JSON field
    if depth > 4:
        yield f"{path} is nested deeper than a form can show"
        return
    if "$ref" in schema:
        yield from _undrawable(defs.get(schema["$ref"].rsplit("/", 1)[-1], {}), defs, path, depth)
        return
    kinds = schema.get("type", [])
    unknown = {kinds} - DRAWABLE if isinstance(kinds, str) else set(kinds) - DRAWABLE
    if unknown:
        yield f"{path} has the unknown type {', '.join(sorted(unknown))}"
    objects = [part for part in schema.get("anyOf", ()) if "$ref" in part]
    if len(objects) > 1 and "discriminator" not in schema:
        yield f"{path} is one of several objects: give them a discriminator"
    for part in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        yield from _undrawable(part, defs, path, depth)
    for name, part in schema.get("properties", {}).items():
        if isinstance(part, dict) and "$ref" not in part and "title" not in part:
            yield f"{path}.{name} has no title"
        yield from _undrawable(part, defs, f"{path}.{name}", depth + 1)
    yield from _undrawable(schema.get("items"), defs, f"{path}[]", depth + 1)


def _all_fields(schema: Any) -> Iterator[tuple[str, JsonObject]]:
    if isinstance(schema, dict):
        for name, part in schema.get("properties", {}).items():
            if isinstance(part, dict):
                yield name, part
        for part in schema.values():
            yield from _all_fields(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from _all_fields(part)


def _looks_secret(name: str, part: JsonObject) -> bool:
    if "x-credential" in part:
        return False
    kinds = [part, *part.get("anyOf", ())]
    is_text = any(isinstance(kind, dict) and kind.get("type") == "string" for kind in kinds)
    is_hidden = any(isinstance(kind, dict) and (kind.get("writeOnly") or kind.get("format") == "password") for kind in kinds)
    return is_hidden or (is_text and bool(SECRET_NAMES.search(name)))


def _summary_fields(summary: str | None) -> set[str]:
    return set(FIELD_IN_SUMMARY.findall(summary or ""))


def _example_breaks(node: Node[Any], example: JsonObject) -> list[str]:
    """Compiles the example, and validates what needs no data."""
    try:
        template = template_of(node, example)
    except LanguageError as error:
        return [f"the example doesn't compile: {error}"]
    if template.names():
        missing = [name for name, part in node.config_class.model_fields.items() if part.is_required() and name not in example]
        return [f"the example lacks {', '.join(missing)}"] if missing else []
    try:
        template.render(Scope())
    except (NodeError, LanguageError, ValidationError) as error:
        return [f"the example isn't a valid config: {error}"]
    return []
