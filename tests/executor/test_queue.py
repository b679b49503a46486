"""The executor's end of the list, on a real server."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
import redis.asyncio as redis

from executor.queue import CONTROL, PROCESSING, QUEUE, Queue, QueueAway


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


async def test_a_waiting_take_wakes_at_once(server: redis.Redis, queue: Queue) -> None:
    await queue.take(1)
    taking = asyncio.create_task(queue.take(10))
    await asyncio.sleep(0.05)
    execution_id = uuid4()
    await push(server, execution_id)
    assert await asyncio.wait_for(taking, 0.1) == [execution_id]


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
    assert await asyncio.wait_for(heard, 2) == execution_id
