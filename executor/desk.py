"""What running steps ask of the backend besides secrets: start a child, tell people (`executor.seams.Desk`)."""

from collections.abc import Awaitable
from typing import TypeVar
from uuid import UUID

import orjson

from executor.api import Api, BackendAway, BackendRefused
from executor.errors import NodeError
from trestle.contracts.jobs import NotifyRequest, RememberRequest, StartRequest

T = TypeVar("T")


class BackendDesk:
    """Asks over the backend's API. One serves all executions."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def start(self, request: StartRequest) -> UUID:
        """The id of the child."""
        return (await _asked(self._api.start(request), "The other workflow can't be started")).execution_id

    async def notify(self, request: NotifyRequest) -> int:
        """How many people were told."""
        return (await _asked(self._api.notify(request), "Nobody can be told")).recipients

    async def remember(self, request: RememberRequest) -> list[bool]:
        """Whether each mark is new."""
        return (await _asked(self._api.remember(request), "What was seen before can't be told")).fresh


async def _asked(call: Awaitable[T], what: str) -> T:
    try:
        return await call
    except BackendAway:
        message = f"{what}: the backend does not answer."
        raise NodeError(message, hint="Let the node try again.", retryable=True, type="BackendAway") from None
    except BackendRefused as refusal:
        raise NodeError(f"{what}. {detail(refusal)}", hint="Check what the node is set to.", type="Refused") from None


def detail(refusal: BackendRefused) -> str:
    """What the backend said, out of its problem document."""
    try:
        said = orjson.loads(refusal.detail)["detail"]
    except (ValueError, LookupError, TypeError):
        return f"The backend answered {refusal.status}."
    return str(said)
