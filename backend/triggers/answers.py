"""Webhooks that answer with what the workflow gave (PROTOCOL, row 18)."""

import time
from uuid import UUID

import asyncpg

from backend.errors import TooManyRequests
from backend.executions.doorbell import Doorbell
from trestle.contracts.states import ExecutionStatus

_LOOK_ANYWAY_S = 1.0
_MAX_WAITING = 500
_DEFAULT_TIMEOUT_S = 30.0

_OUTCOME = "select status, output from executions where id = $1 and finished_at is not null"


class Answers:
    """Callers who wait for an execution's end. One who hangs up cancels nothing."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", doorbell: Doorbell) -> None:
        self._pool = pool
        self._doorbell = doorbell
        self._waiting = 0

    def check_room(self) -> None:
        """Raises TooManyRequests where too many wait already. Asked before the call is accepted."""
        if self._waiting >= _MAX_WAITING:
            raise TooManyRequests(f"{_MAX_WAITING} callers wait for an answer already. Call again a little later.", retry_after_s=1)

    async def outcome(self, execution_id: UUID, timeout_s: float | None) -> tuple[ExecutionStatus, str | None] | None:
        """Status and output (JSON text) of the execution once it has ended; None where it has not within `timeout_s` (30)."""
        until = time.monotonic() + (timeout_s or _DEFAULT_TIMEOUT_S)
        self._waiting += 1
        try:
            with self._doorbell.listen(execution_id) as bell:
                while not self._doorbell.closing:
                    row = await self._pool.fetchrow(_OUTCOME, execution_id)
                    if row is not None:
                        return ExecutionStatus(row["status"]), row["output"]
                    left_s = until - time.monotonic()
                    if left_s <= 0:
                        return None
                    await bell.wait(min(left_s, _LOOK_ANYWAY_S))
        finally:
            self._waiting -= 1
        return None
