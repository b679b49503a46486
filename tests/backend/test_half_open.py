"""A database connection whose other end is gone without a word: it holds up nobody for long."""

import time
from urllib.parse import urlsplit

import pytest

from backend import db
from backend.db import Database, is_away
from tests.chaos.proxy import Weather, network


async def test_a_connection_that_nobody_answers_is_given_up(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for limit in ("_CONNECT_S", "_HOT_STATEMENT_S"):
        monkeypatch.setattr(db, limit, 0.5)
    real = urlsplit(postgres_url)
    assert real.port is not None
    with network() as net:
        port = net.between("database", real.port)
        database = await Database.open(postgres_url.replace(f":{real.port}/", f":{port}/"), hot_size=1)
        assert await database.hot.fetchval("select 1") == 1
        net.change("database", Weather.HALF_OPEN)
        began = time.monotonic()
        with pytest.raises(TimeoutError) as raised:
            await database.hot.fetchval("select 1")
        assert is_away(raised.value)
        net.change("database", Weather.FAIR)
        assert await database.hot.fetchval("select 2") == 2, "the pool's only connection is a new one"
        assert time.monotonic() - began < 5
        await database.close()
