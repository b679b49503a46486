"""Nothing accepted is lost when the servers below go away: the database dies, the queue dies, the queue freezes."""

import asyncio
import os
import signal
import time
from collections import Counter
from pathlib import Path

from tests.acceptance.api import Api
from tests.acceptance.peer import peer
from tests.acceptance.stack import Stack, running
from tests.acceptance.test_faults import STEPS, all_finished, five_calls, judge, note_recorded
from trestle.cli.home import Home

EXECUTIONS = 60


async def test_nothing_is_lost_when_database_and_queue_die(migrated_home: Home, tmp_path: Path) -> None:
    few = {"TRESTLE_EXECUTOR_CONCURRENCY": "10"}
    with running(migrated_home, tmp_path / "home", backends=2, executors=2, env=few) as stack:
        async with peer() as outside, Api(stack.backend_url) as api:
            outside.delay_s = 0.4
            await api.sign_up()
            await five_calls(api, outside.url)
            recorded: dict[tuple[str, str], float] = {}
            accepted = await asyncio.gather(*(api.post_webhook("go", {"n": number}) for number in range(EXECUTIONS)))
            for how in (signal.SIGKILL, signal.SIGQUIT):
                stop = asyncio.Event()
                watching = asyncio.create_task(note_recorded(stack.database_url, recorded, stop))
                await asyncio.sleep(1.5)
                stop.set()
                await watching
                await asyncio.to_thread(stack.kill, "valkey")
                await asyncio.to_thread(stack.kill, "postgres", how)
                refused, answer, headers = await api.raw("POST", "/webhooks/go", json={})
                assert (refused, headers["Retry-After"]) == (503, "2"), answer
                await asyncio.to_thread(stack.start, "postgres")
                began = time.monotonic()
                accepted.append(await api.post_webhook("go", {"n": -1}))
                assert time.monotonic() - began < 2, "the database is back, and the queue's absence holds up nobody"
                await asyncio.to_thread(stack.start, "valkey")
            counts = await all_finished(stack.database_url, within_s=60)
            assert counts == {"succeeded": len(accepted)}
            judge(outside, recorded, accepted)
            calls = Counter(call.path for call in outside.calls)
            assert len(calls) == len(accepted) * STEPS


async def test_a_frozen_queue_holds_up_nobody(stack: Stack) -> None:
    async with peer() as outside, Api(stack.backend_url) as api:
        await api.sign_up()
        await five_calls(api, outside.url)
        await api.finished(await api.post_webhook("go", {"n": 0}))
        os.kill(stack.pid("valkey"), signal.SIGSTOP)
        try:
            accepted = []
            for number in range(40):
                began = time.monotonic()
                accepted.append(await api.post_webhook("go", {"n": number}))
                assert time.monotonic() - began < 1, "accepting waits for the database only"
            # Idle executors ask the backend now and then: work goes on although the queue is dead without a sign.
            await api.finished(accepted[0], within_s=25)
        finally:
            os.kill(stack.pid("valkey"), signal.SIGCONT)
        assert await all_finished(stack.database_url, within_s=25) == {"succeeded": 41}
        assert len(outside.calls) == 41 * STEPS, "no call was made twice"
