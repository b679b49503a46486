"""What runs beside the requests outlives what it did not expect."""

import asyncio

import asyncpg
import pytest
from structlog.testing import capture_logs

from backend import background
from backend.db import is_away


async def test_an_unexpected_error_does_not_end_what_everything_relies_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "_PAUSE_S", 0.01)
    rounds = 0
    done = asyncio.Event()

    async def work() -> None:
        nonlocal rounds
        rounds += 1
        if rounds == 3:
            done.set()
        raise ZeroDivisionError

    with capture_logs() as logged:
        task = asyncio.create_task(background.for_ever("work", work))
        await asyncio.wait_for(done.wait(), 10)
        await background.stop(task)
    assert logged[0]["event"] == "background_task_failed"
    assert (logged[0]["task"], type(logged[0]["exc_info"])) == ("work", ZeroDivisionError)


def test_a_connection_used_while_its_server_dies_counts_as_away() -> None:
    assert is_away(asyncpg.InternalClientError("cannot switch to state 12; another operation (2) is in progress"))
    assert not is_away(asyncpg.DataError("out of range"))
