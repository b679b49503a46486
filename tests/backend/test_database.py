"""Connections whose other end is gone without a word are noticed, and given up."""

import asyncio
import socket
import time
from urllib.parse import urlsplit, urlunsplit

import pytest

from backend import db
from backend.db import Database, is_away
from tests.chaos.proxy import Proxy, Weather


async def test_a_half_open_connection_is_given_up(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(db, "COMMAND_TIMEOUT_S", 1)
    monkeypatch.setattr(db, "_CONNECT_TIMEOUT_S", 5)
    address = urlsplit(postgres_url)
    proxy = Proxy(address.hostname or "", address.port or 5432)
    await proxy.start()
    through = urlunsplit(address._replace(netloc=address.netloc.rpartition("@")[0] + f"@127.0.0.1:{proxy.port}"))
    database = await Database.open(through, hot_size=2)
    try:
        assert await database.hot.fetchval("select 1") == 1
        await proxy.change(Weather.HALF_OPEN)
        started = time.monotonic()
        with pytest.raises(Exception) as raised:  # noqa: PT011  # which one is the library's choice; what counts is what we make of it
            await database.hot.fetchval("select 1")
        assert is_away(raised.value), repr(raised.value)
        assert time.monotonic() - started < 9
        await proxy.change(Weather.FAIR)
        async with asyncio.timeout(20):
            assert [await database.hot.fetchval("select 1") for _ in range(3)] == [1, 1, 1]
    finally:
        await database.close()
        await proxy.stop()


async def test_the_kernel_watches_over_idle_connections(postgres_url: str) -> None:
    database = await Database.open(postgres_url)
    try:
        async with database.hot.acquire() as connection, database.engine.connect() as other:
            raw = await other.get_raw_connection()
            for found in (connection, raw.driver_connection):
                sock = found._transport.get_extra_info("socket")  # type: ignore[union-attr]  # there is no other way to it
                if sock.family == socket.AF_INET:
                    assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
                    assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 10
    finally:
        await database.close()
