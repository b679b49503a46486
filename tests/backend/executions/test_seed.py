"""`make seed` against a running backend: samples that can be published and called, once however often it runs."""

import asyncio
import io
import re
from pathlib import Path

import pytest

from backend.app import open_services
from tests.backend.catalogue import register, shipped
from tests.backend.executions.world import Backend, World
from trestle.cli.console import Console
from trestle.cli.errors import LaunchError
from trestle.cli.samples import SAMPLES
from trestle.cli.seed import seed


async def seeded(backend: Backend, **environ: str) -> str:
    """What one run says."""
    said = io.StringIO()
    account = {"TRESTLE_URL": backend.url, "TRESTLE_EMAIL": "ada@example.com", "TRESTLE_PASSWORD": "correct horse battery"}
    assert await asyncio.to_thread(seed, {**account, **environ}, Console(said)) == 0
    return said.getvalue()


async def test_samples_are_put_in_once_and_can_be_called(backend: Backend, world: World) -> None:
    async with open_services(backend.settings) as services:
        await register(services.database)
    here = {sample.name for sample in SAMPLES if all(f'"{kind}"' in shipped() for kind in sample.types)}
    assert len(here) >= 4
    first = await seeded(backend)
    assert "makes the first account" in first
    warned = {line.split("! ")[1].split(": left out")[0] for line in first.splitlines() if "! " in line}
    assert warned == {sample.name for sample in SAMPLES} - here
    rows = await world.pool.fetch("select * from workflows where 'sample' = any(tags)")
    assert {row["name"] for row in rows} == here
    assert all(row["published_version"] == 1 for row in rows)
    assert {row["name"] for row in rows if row["enabled"]} == {sample.name for sample in SAMPLES if sample.enabled} & here
    called = re.findall(r"curl -X POST http://localhost:8000(/webhooks/\w+) .*? -d '(.*)'", first)
    assert len(called) >= 2
    for path, body in called:
        if "score" in body:
            assert (await backend.call("POST", path, data=body))[0] == 202
    second = await seeded(backend)
    assert second.count("is there already") == len(here)
    assert await world.pool.fetchval("select count(*) from workflows where 'sample' = any(tags)") == len(here)


async def test_it_says_what_is_missing(backend: Backend, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(LaunchError, match="make up"):
        await seeded(backend, TRESTLE_URL="http://127.0.0.1:9")
    with pytest.raises(LaunchError, match="http://"):
        await seeded(backend, TRESTLE_URL="file:///etc/passwd")
    monkeypatch.setattr("sys.stdin", io.StringIO())
    with pytest.raises(LaunchError, match="TRESTLE_PASSWORD"):
        await seeded(backend, TRESTLE_PASSWORD="")
    with pytest.raises(LaunchError, match="No executor"):
        await seeded(backend)
    with pytest.raises(LaunchError, match="did not work"):
        await seeded(backend, TRESTLE_PASSWORD="wrong horse battery")
