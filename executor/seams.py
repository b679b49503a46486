"""What the engine needs of the world, and nothing more. The worker fills these in; tests use fakes."""

from collections.abc import AsyncIterator
from typing import Protocol
from uuid import UUID

from trestle.contracts.credentials import RateLimit
from trestle.contracts.jobs import BlobRef, Ending, LogLine, NotifyRequest, RememberRequest, Secret, StartRequest, StepReport


class Reporter(Protocol):
    """Where one execution's engine says what happened. `acknowledged`, `end` and `room` raise when the execution was lost."""

    def add(self, step: StepReport) -> None:
        """Notes the state of a step. It leaves with the next `send`, `acknowledged` or `end`."""

    def log(self, line: LogLine) -> None:
        """Notes a node's log line."""

    def send(self) -> None:
        """Lets what was noted leave, without waiting."""

    async def acknowledged(self) -> None:
        """Returns when everything noted so far is recorded."""

    async def room(self) -> None:
        """Returns when more may be noted."""

    async def end(self, ending: Ending) -> None:
        """Notes the ending, and returns when it is recorded."""


class Secrets(Protocol):
    """Where secrets come from, for one execution."""

    async def get(self, node: str, credential_id: UUID, refused: int | None = None) -> Secret:
        """The credential that this node names; a newer one where the service refused that of the version `refused`.

        Raises `NodeError` where it may not have it, or it can't be had now.
        """


class Desk(Protocol):
    """Where running steps ask the backend for something (contracts.jobs.OnBehalf). Each raises `NodeError` where it is refused,
    and a retryable one while the backend is away."""

    async def start(self, request: StartRequest) -> UUID:
        """The id of the child."""

    async def notify(self, request: NotifyRequest) -> int:
        """How many people were told."""

    async def remember(self, request: RememberRequest) -> list[bool]:
        """Whether each mark is new to the node."""


class Blobs(Protocol):
    """Where large values lie, for an execution under an epoch. Both wait while the backend is away, and raise `NodeError` where
    it refuses."""

    async def store(self, execution_id: UUID, epoch: int, pieces: AsyncIterator[bytes], media_type: str) -> BlobRef:
        """Keeps bytes as they come."""

    def read(self, execution_id: UUID, epoch: int, blob_id: UUID, size: int) -> AsyncIterator[bytes]:
        """The bytes, piece by piece."""


class Throttle(Protocol):
    """Rate limits that all executors share."""

    async def delay_s(self, scope: str, limit: RateLimit | None, ticket: str) -> float:
        """Seconds until the call may go; 0: now, and it is counted. Asked again under the same `ticket` it keeps its place."""

    async def close(self, scope: str, seconds: float) -> None:
        """The service asked for a pause: nobody calls it for so long."""


class Ownership(Protocol):
    """Whether this process may still act for the execution."""

    def holds(self) -> bool:
        """Whether a step with effects may start."""

    async def held(self) -> None:
        """Returns when it may."""

    async def refreshed(self) -> None:
        """Returns when everything is known here that the backend knew at the time of the call: answers to waits, above all."""
