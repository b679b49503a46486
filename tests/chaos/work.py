"""The work that is under way while things break: four workflows of five steps each, and callers who ask until they have an answer."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any
from uuid import uuid4

import aiohttp
import redis.asyncio as redis
from redis.exceptions import RedisError

from tests.acceptance.api import Api
from tests.acceptance.peer import Peer

QUEUE = "trestle:queue"
PUSHES = 5
ITEMS = 6


class SlowPeer(Peer):
    """A peer that takes its time, differently each time."""

    def __init__(self, least_s: float, most_s: float) -> None:
        super().__init__()
        self._between = least_s, most_s

    def pause_s(self) -> float:
        """Somewhere between the two."""
        return random.uniform(*self._between)


def call(url: str, key: str, place: str = "", **more: Any) -> dict[str, Any]:
    """A node that tells the peer which execution and step (and item) it is."""
    target = f"{url}/{{{{ execution.id }}}}/{key}{place}"
    return {"key": key, "type": "http.request", "config": {"method": "POST", "url": target, "body": {"n": "{{ payload.n }}"}}, **more}


def workflows(url: str) -> dict[str, tuple[list[dict[str, Any]], list[tuple[str, ...]], set[str]]]:
    """By webhook path: nodes after the trigger, connections, and the calls (`node` or `node/item`) that each execution makes."""
    prepare = {"key": "prepare", "type": "set", "config": {"fields": {"n": "{{ payload.n }}"}}}
    pause = {"key": "pause", "type": "delay", "config": {"duration_s": "{{ payload.pause_s }}"}}
    wanted = {"key": "wanted", "type": "filter", "config": {"condition": "{{ payload.n >= 0 }}"}}
    each = call(url, "each", "/{{ index }}", for_each={"items": list(range(ITEMS)), "concurrency": 2})
    shape = {"key": "shape", "type": "set", "config": {"fields": {"done": True}}}
    merged = {"key": "merged", "type": "merge", "config": {}, "join": "all"}
    again = {"key": "again", "type": "delay", "config": {"duration_s": "{{ payload.pause_s / 4 }}"}}
    one, two, three = (call(url, f"call_{n}") for n in range(1, 4))
    return {
        "calls": ([one, pause, two, again, three], _chain("hook", one, pause, two, again, three), {"call_1", "call_2", "call_3"}),
        "waits": ([prepare, one, pause, wanted, two], _chain("hook", prepare, one, pause, wanted, two), {"call_1", "call_2"}),
        "forks": (
            [pause, one, two, merged, three],
            [*_chain("hook", pause, one, merged, three), ("pause", "call_2"), ("call_2", "merged")],
            {"call_1", "call_2", "call_3"},
        ),
        "items": (
            [pause, each, shape, one, wanted],
            _chain("hook", pause, each, shape, one, wanted),
            {"call_1", *(f"each/{n}" for n in range(ITEMS))},
        ),
    }


def _chain(first: str, *nodes: dict[str, Any]) -> list[tuple[str, ...]]:
    return list(pairwise([first, *(node["key"] for node in nodes)]))


@dataclass
class Work:
    """Puts work in, and remembers what it was promised. `accepted`: execution id → the calls it has to make."""

    urls: Sequence[str]
    redis_url: str
    peer_url: str
    seed: int = 0
    pause_s: tuple[float, float] = (1.0, 9.0)
    accepted: dict[str, set[str]] = field(default_factory=dict)
    refusals: int = 0
    pushes_lost: int = 0

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._flows = workflows(self.peer_url)

    async def publish(self, api: Api) -> None:
        """Make the workflows, live."""
        for path, (nodes, wires, _) in self._flows.items():
            hook = {"key": "hook", "type": "trigger.webhook", "config": {"path": path}}
            await api.workflow([hook, *nodes], wires, name=path)

    async def put_in(self, count: int, *, over_s: float = 0) -> None:
        """`count` executions, at once or spread over a time, of all kinds in turn. Returns when each is accepted."""
        kinds = list(self._flows)
        connector = aiohttp.TCPConnector(limit=50)
        async with (
            aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=15)) as session,
            redis.from_url(self.redis_url, socket_timeout=2, socket_connect_timeout=2) as queue,
        ):

            async def one(number: int) -> None:
                await asyncio.sleep(over_s * number / count)
                await self._ask(session, queue, kinds[number % len(kinds)], number)

            await asyncio.gather(*(one(number) for number in range(count)))

    async def _ask(self, session: aiohttp.ClientSession, queue: redis.Redis, path: str, number: int) -> None:
        """Ask, under one key, until there is an answer; then push the id until the list has had it five times."""
        key, pause_s = uuid4().hex, self._random.uniform(*self.pause_s)
        while True:
            url = self._random.choice(list(self.urls))
            try:
                body = {"n": number, "pause_s": pause_s}
                async with session.post(f"{url}/webhooks/{path}", json=body, headers={"Idempotency-Key": key}) as answer:
                    if answer.status == 202:
                        execution_id = str((await answer.json())["execution_id"])
                        break
            except (aiohttp.ClientError, TimeoutError, OSError):
                pass
            self.refusals += 1
            await asyncio.sleep(0.3)
        self.accepted[execution_id] = self._flows[path][2]
        for _ in range(PUSHES - 1):
            try:
                await queue.execute_command("LPUSH", QUEUE, execution_id)  # type: ignore[no-untyped-call]  # redis-py leaves it so
            except (RedisError, OSError):
                self.pushes_lost += 1
