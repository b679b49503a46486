"""The executor's end of the list, on a real server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import pytest
import redis.asyncio as redis

from executor.queue import CONTROL, PROCESSING, QUEUE, Queue, QueueAway
from tests.executor.engine_kit import until
from tests.executor.worker_kit import somebody_waits


@pytest.fixture
async def server(redis_url: str) -> AsyncIterator[redis.Redis]:
    async with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        await client.flushall()
        yield client


async def push(server: redis.Redis, *values: object) -> None:
    client: Any = server
    await client.lpush(QUEUE, *map(str, values))


@pytest.fixture
async def queue(redis_url: str) -> AsyncIterator[Queue]:
    queue = Queue(redis_url, uuid4(), block_s=0.2)
    yield queue
    await queue.close()


async def test_ids_come_oldest_first_as_many_as_there_is_room_for(server: redis.Redis, queue: Queue) -> None:
    ids = [uuid4() for _ in range(5)]
    for execution_id in ids:
        await push(server, execution_id)
    assert await queue.take(3) == ids[:3]
    assert await queue.take(3) == ids[3:]
    assert await queue.take(3) == []
    assert sorted(await queue.left()) == sorted(ids)
    await queue.forget(ids[:4])
    assert await queue.left() == [ids[4]]
    (key,) = await server.keys(f"{PROCESSING}*")
    assert 0 < await server.ttl(key) <= 60


async def test_a_waiting_take_wakes_at_once(server: redis.Redis, redis_url: str) -> None:
    queue = Queue(redis_url, uuid4(), block_s=30)
    taking = asyncio.create_task(queue.take(10))
    await somebody_waits(server)
    execution_id = uuid4()
    await push(server, execution_id)
    assert await asyncio.wait_for(taking, 10) == [execution_id]
    await queue.close()


async def test_what_is_no_id_is_left_out(server: redis.Redis, queue: Queue) -> None:
    execution_id = uuid4()
    await push(server, "nonsense", execution_id, execution_id)
    assert await queue.take(10) == [execution_id]


async def test_what_is_left_goes_back_in_its_order(server: redis.Redis, queue: Queue, redis_url: str) -> None:
    ids = [uuid4() for _ in range(3)]
    for execution_id in ids:
        await push(server, execution_id)
    await queue.take(2)
    await queue.give_back()
    other = Queue(redis_url, uuid4(), block_s=0.2)
    assert await other.take(10) == ids
    await other.close()


async def test_it_connects_anew_after_an_outage(server: redis.Redis, queue: Queue) -> None:
    await queue.take(1)
    for client in await server.client_list():
        if client["id"] != str(await server.client_id()):
            await server.client_kill_filter(_id=client["id"])
    execution_id = uuid4()
    await push(server, execution_id)
    try:
        taken = await queue.take(1)
    except QueueAway:
        taken = await queue.take(1)
    assert taken == [execution_id]


async def test_no_server_is_told_as_such() -> None:
    queue = Queue("redis://127.0.0.1:1/0", uuid4(), block_s=0.1)
    with pytest.raises(QueueAway):
        await queue.take(1)
    await queue.close()


async def test_it_hears_what_is_wanted_of_executions(server: redis.Redis, queue: Queue) -> None:
    execution_id = uuid4()
    heard = asyncio.ensure_future(anext(queue.controls()))
    while not await server.publish(CONTROL, f'{{"execution_id":"{execution_id}","verdict":"cancel"}}'):
        await asyncio.sleep(0.01)
    assert await asyncio.wait_for(heard, 10) == execution_id


class Wire:
    """Stands between a client and the server. `cut`: from then on nothing gets through, and both ends think all is well."""

    def __init__(self, url: str) -> None:
        self._far = urlsplit(url)
        self.cut = False
        self.pings = 0
        self.open = 0
        self.url = ""

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            self.pings += data.count(b"PING")
            if not self.cut:
                writer.write(data)

    async def join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        far_reader, far_writer = await asyncio.open_connection(self._far.hostname, self._far.port)
        ways = [asyncio.create_task(self.carry(reader, far_writer)), asyncio.create_task(self.carry(far_reader, writer))]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            for end in (writer, far_writer):
                end.close()
                with suppress(OSError):
                    await end.wait_closed()
            self.open -= 1


@pytest.fixture
async def wire(redis_url: str) -> AsyncIterator[Wire]:
    made = Wire(redis_url)
    listening = await asyncio.start_server(made.join, "127.0.0.1", 0)
    near = f"127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    made.url = redis_url.replace(urlsplit(redis_url).netloc.rpartition("@")[2], near)
    yield made
    listening.close()
    await until(lambda: made.open == 0)


async def test_a_half_open_connection_is_noticed_by_who_listens_for_controls(wire: Wire, server: redis.Redis) -> None:
    queue = Queue(wire.url, uuid4(), block_s=0.5)
    heard: list[UUID] = []
    gone = asyncio.Event()

    async def listen() -> None:
        with suppress(QueueAway):
            async for execution_id in queue.controls():
                heard.append(execution_id)
        gone.set()

    listening = asyncio.create_task(listen())
    await until(lambda: wire.pings >= 2 or gone.is_set())
    assert not gone.is_set(), "silence alone is no loss"
    execution_id = uuid4()
    await server.publish(CONTROL, f'{{"execution_id":"{execution_id}"}}')
    await until(lambda: heard == [execution_id])
    wire.cut = True
    await asyncio.wait_for(gone.wait(), 10)
    await listening
    await queue.close()


async def test_a_half_open_connection_is_noticed_by_who_waits_for_ids(wire: Wire) -> None:
    queue = Queue(wire.url, uuid4(), block_s=0.2)
    await queue.take(1)
    wire.cut = True
    with pytest.raises(QueueAway):
        await asyncio.wait_for(queue.take(1), 20)
    await queue.close()
