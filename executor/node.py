"""The node SDK: all that a node's file needs to import.

A node is one file with a pydantic `Config` and one subclass of `Node[Config]` (docs/nodes.md). The engine renders the
config's expressions, validates it, and calls `run`; retries, timeouts, for-each, error ports and logging are its business.
"""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, Protocol, TypeVar, get_args, get_origin
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from executor.credentials import Basic, Bearer, Header, OAuth2, SecretData
from executor.errors import CredentialRefused, NodeError
from executor.fields import Code, Condition, ItemCondition, Items, ItemValue, Multiline, Static, Use, WorkflowId
from trestle.contracts.base import JsonObject, JsonValue
from trestle.contracts.credentials import RateLimit
from trestle.contracts.graph import MAIN
from trestle.contracts.jobs import Polled, PolledEvent, WaitKind
from trestle.contracts.node_types import Effect
from trestle.contracts.resume_tokens import TokenKind
from trestle.language import Reference

if TYPE_CHECKING:
    from trestle.outbound import OutboundClient

__all__ = [
    "Basic",
    "Bearer",
    "Branch",
    "Code",
    "Condition",
    "Config",
    "Context",
    "CredentialRefused",
    "Effect",
    "ExecutionInfo",
    "Header",
    "ItemCondition",
    "ItemValue",
    "Items",
    "JsonObject",
    "JsonValue",
    "Log",
    "Multiline",
    "Node",
    "NodeError",
    "OAuth2",
    "Polled",
    "PolledEvent",
    "PollingTrigger",
    "RateLimit",
    "Reference",
    "Resumed",
    "SecretData",
    "Static",
    "Stop",
    "Trigger",
    "Use",
    "Wait",
    "WorkflowId",
]

S = TypeVar("S", bound=SecretData)
C = TypeVar("C", bound=BaseModel)
ConfigClass = type[BaseModel]


class Config(BaseModel):
    """Base of a node's config: an unknown field is an error, so that a misspelt one can't be ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True, slots=True)
class Branch:
    """Leave by `port` with `value` as output. A node that returns a bare value leaves by `main`."""

    port: str
    value: JsonValue


@dataclass(frozen=True, slots=True)
class Wait:
    """Suspend durably. At `until` (aware), or when the answer comes that `token` says may come, the engine calls `Node.resume`,
    in this process or in another. One of the two has to be given.

    `token`: `webhook` and `approval` are answered by whoever has the step's `Context.resume_url`, `child` by the end of the
    execution that the step started with `Context.start_workflow`. An answer that came before the wait began counts as well.
    `state` is JSON that `resume` gets back; it is stored, and visible to whoever may see the step.
    """

    until: datetime | None = None
    state: JsonValue = None
    token: WaitKind | None = None


@dataclass(frozen=True, slots=True)
class Stop:
    """Ends the whole execution here and now: what runs or waits beside this step is cancelled, and no error port or retry applies.

    `output` is the execution's output where it has `succeeded`, `message` its error's where it has `failed`.
    """

    status: Literal["succeeded", "failed"]
    message: str = ""
    output: JsonValue = None


@dataclass(frozen=True, slots=True)
class Resumed:
    """What ended a wait. `answer` (contracts.jobs.Resolution says what it holds) is None where its time came."""

    state: JsonValue = None
    answer: JsonValue = None


@dataclass(frozen=True, slots=True)
class ExecutionInfo:
    """The execution that a step belongs to. `version` is None for a run of the draft, `workflow_id` for a credential's test."""

    id: UUID
    workflow_id: UUID | None
    workflow_name: str
    version: int | None
    attempt: int
    created_at: datetime


class Log(Protocol):
    """Lines that show in the execution's history, with the node's name and the time."""

    def debug(self, message: str) -> None:
        """A detail."""

    def info(self, message: str) -> None:
        """What happened."""

    def warning(self, message: str) -> None:
        """What a person should look at."""

    def error(self, message: str) -> None:
        """What went wrong. Does not fail the step: raise `NodeError` for that."""


class Context(Protocol):
    """What a node may use of the world. Narrow on purpose."""

    @property
    def http(self) -> "OutboundClient":
        """The guarded HTTP client: refuses addresses inside the operator's network."""

    @property
    def log(self) -> Log:
        """Lines for the execution's history."""

    @property
    def execution(self) -> ExecutionInfo:
        """The execution that this step belongs to."""

    @property
    def node(self) -> str:
        """This node's key."""

    @property
    def attempt(self) -> int:
        """Which try of this step it is, from 1."""

    @property
    def idempotency_key(self) -> str:
        """The same for every repeat of this step whose outcome was not known; for services that refuse doubles."""

    @property
    def now(self) -> datetime:
        """The backend's clock (aware, UTC)."""

    @property
    def item(self) -> JsonValue:
        """The current item of a for-each, else None."""

    @property
    def index(self) -> int | None:
        """The current item's place from 0, None outside of a for-each."""

    @property
    def inputs(self) -> Mapping[str, JsonValue]:
        """Outputs of the connections that were taken, by source key, in the order in which they are drawn."""

    @property
    def names(self) -> Mapping[str, JsonValue]:
        """Every name that an expression knows: payload, trigger, input, nodes, item, index, vars, execution, workflow, now.

        `nodes` and `vars` are any Mapping: their values may be decoded when they are looked at.
        """

    async def secret(self, use: Use[S], *, refused: S | None = None) -> S:
        """Decrypts the credential that a config field names, when it is in turn at its rate limit. Raises `CredentialRefused`.

        `refused`: the service answered that this one, which can be renewed (it has a `version`), is good no more: a newer one.
        """

    async def turn(self, host: str, rate: RateLimit | None = None) -> None:
        """Call it before the first call of a host: the step starts later where the host asked for a pause, or `rate` is reached.

        All executors count together. A credential's own limit is kept by `secret`.
        """

    async def slow_down(self, host: str, seconds: float) -> None:
        """The host answered that it is called too often: no step of this project calls it (with this credential) for so long."""

    def resume_url(self, kind: TokenKind) -> str:
        """The address at which a `Wait(token=kind)` of this step is answered: whoever has it may, once."""

    async def start_workflow(self, workflow_id: UUID, input: JsonValue, *, wait: bool) -> UUID:
        """Starts another workflow's published version as a child of this step; the same child where the step runs again.

        With `wait` the child's end answers a `Wait(token="child")`, and it is cancelled with this execution. Raises `NodeError`.
        """

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
        """Tells people of this project something in the app: those with a role or label, or one by id or e-mail address. How many.

        Nobody is told twice by one step, unless each time has an `occasion` of its own.
        """

    async def load(self, value: JsonValue) -> JsonValue:
        """The value, in which every `Reference` gave way to what it stands for. Read it only. Raises `NodeError` (over 64 MB)."""

    async def store(self, pieces: AsyncIterator[bytes], media_type: str) -> Reference:
        """Keeps bytes as they come, without holding them: what is returned may stand anywhere in the output. Raises `NodeError`."""

    def read(self, reference: Reference) -> AsyncIterator[bytes]:
        """The bytes behind a reference, piece by piece, as they were stored. Raises `NodeError`."""

    async def remember(self, values: Sequence[JsonValue], *, forget_after_s: float) -> list[bool]:
        """Whether each value is new to this node, in this list and in the workflow's earlier executions; from now on none of them is.

        The same where the step runs again. A test run looks, and leaves nothing behind.
        """

    def respond(self, status: int, headers: Mapping[str, str], body: JsonValue) -> None:
        """What the caller of the webhook that started this execution gets, if it still waits; sent when this step has succeeded."""


class Node(ABC, Generic[C]):
    """One kind of step. The class docstring is what the palette says of it. One instance serves all steps: keep no state of one."""

    type: ClassVar[str]
    """Unique and stable, lower case with dots: `http.request`. Graphs store it."""
    title: ClassVar[str]
    group: ClassVar[str]
    """Heading in the palette: Triggers, Flow, Data, Network, …"""
    icon: ClassVar[str]
    """Name of a lucide icon."""
    version: ClassVar[int] = 1
    effect: ClassVar[Effect] = "unsafe"
    """Whether a step may be repeated. Where it hangs on the config, override `effect_of` and give here the usual one."""
    inputs: ClassVar[Sequence[str]] = (MAIN,)
    outputs: ClassVar[Sequence[str]] = (MAIN,)
    ports_from: ClassVar[str | None] = None
    """A config field, a list of objects with a `label`: each label is a port too."""
    summary: ClassVar[str | None] = None
    """The card's second line, over config fields: `{method} {url}`."""
    example: ClassVar[JsonObject] = {}
    """A config that validates."""
    takes_references: ClassVar[Collection[str]] = ()
    """Where it takes a `Reference` for a value over 256 KB: in its `input` (and `ctx.item`), in those fields of its `config` that may be
    any JSON. What it returns may hold those it got. Elsewhere it gets the value itself, which has to fit into memory (64 MB in all)."""
    fires_itself: ClassVar[bool] = False
    answered_by: ClassVar[TokenKind | None] = None
    """Who ends its waits from outside. Expressions then have its address, also before the wait: `execution.resume_url.<key>`."""
    config_class: ClassVar[ConfigClass]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for base in getattr(cls, "__orig_bases__", ()):
            origin, arguments = get_origin(base), get_args(base)
            if isinstance(origin, type) and issubclass(origin, Node) and arguments and isinstance(arguments[0], type):
                cls.config_class = arguments[0]

    @abstractmethod
    async def run(self, config: C, input: JsonValue, ctx: Context) -> "JsonValue | Branch | Wait | Stop":
        """One attempt. Returns JSON, `Branch(port, value)`, `Wait(until)` or `Stop(status)`; raises `NodeError` to fail."""

    async def resume(self, config: C, input: JsonValue, ctx: Context, resumed: Resumed) -> "JsonValue | Branch | Wait | Stop":
        """What follows a `Wait`. As it stands: passes the input on."""
        return input

    def effect_of(self, config: C) -> Effect:
        """The effect of a step with this config."""
        return self.effect

    def upgrade(self, config: JsonObject) -> JsonObject:
        """Brings a stored config of an earlier version up to this one; must leave one of this version as it is."""
        return config

    async def close(self) -> None:
        """Frees what the node keeps between steps (a pool of workers). Called once, when the executor stops."""


class Trigger(Node[C]):
    """A node at which executions start. It runs nothing: its output is the execution's input."""

    group = "Triggers"
    effect = "pure"
    inputs = ()

    async def run(self, config: C, input: JsonValue, ctx: Context) -> JsonValue:
        """Passes the execution's input on."""
        return input


class PollingTrigger(Trigger[C]):
    """A trigger that is asked, every so often, for what is new. Each event it finds starts an execution, once."""

    fires_itself = True
    poll_every_s: ClassVar[float] = 60
    """How often, unless the config has a field `poll_interval_s`."""

    @abstractmethod
    async def poll(self, config: C, state: JsonValue, ctx: Context) -> Polled:
        """What is new since `state`, which the last poll left (null at first), and the state to go on from. Raises `NodeError`."""
