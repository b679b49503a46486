"""`python -m trestle keys rotate`, on the database of an installation and on one that is given."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import asyncpg
import pytest
from cryptography.fernet import Fernet

from backend.credentials.vault import Vault
from tests import servers
from trestle.cli.home import Home
from trestle.cli.keys import write_key
from trestle.cli.services import PROJECT

T = TypeVar("T")
COMMAND = [sys.executable, "-m", "trestle", "keys", "rotate"]
MANY = 20_000


def environment(**more: str) -> dict[str, str]:
    """Of this process, without what would name another installation."""
    return {name: value for name, value in os.environ.items() if not name.startswith("TRESTLE_") and name != "DATABASE_URL"} | more


def rotate(**env: str) -> subprocess.CompletedProcess[str]:
    """The command, to its end."""
    return subprocess.run(COMMAND, cwd=PROJECT, env=environment(**env), capture_output=True, text=True, check=False, timeout=120)


def asked(url: str, do: Callable[[asyncpg.Connection[Any]], Awaitable[T]]) -> T:
    """What a database answers."""

    async def run() -> T:
        connection = await asyncpg.connect(url)
        try:
            return await do(connection)
        finally:
            await connection.close()

    return asyncio.run(run())


async def _fill(connection: asyncpg.Connection[Any], vault: Vault, rows: int) -> None:
    project_id = await connection.fetchval("insert into projects (name) values ('P') returning id")
    sealed = vault.seal({"token": "canary"}, project=project_id, credential=UUID(int=1), version=1)
    await connection.execute(
        "insert into credentials (project_id, name, type, ciphertext, key_id, fields, set_fields)"
        " select $1, 'C', 'bearer', $2, $3, '{}', '{}' from generate_series(1, $4::int)",
        *(project_id, sealed, vault.key_id, rows),
    )


async def _opened(connection: asyncpg.Connection[Any], vault: Vault) -> int:
    """How many of them these keys open; raises Sealed where they don't."""
    rows = await connection.fetch("select project_id, ciphertext from credentials")
    held = [vault.open(row["ciphertext"], project=row["project_id"], credential=UUID(int=1), version=1) for row in rows]
    assert all(data == {"token": "canary"} for data in held)
    return len(held)


async def _new(connection: asyncpg.Connection[Any], vault: Vault) -> int:
    count: int = await connection.fetchval("select count(*) from credentials where key_id = $1", vault.key_id)
    return count


async def _alone(connection: asyncpg.Connection[Any]) -> None:
    """Returns once nobody else uses the database: a server may commit what a client had sent before it was killed."""
    others = "from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'"
    async with asyncio.timeout(60):
        while await connection.fetchval(f"select count(*) {others}"):
            await asyncio.sleep(0.02)


def test_on_a_given_database_kill_9_half_way_loses_nothing_and_it_goes_on(postgres_url: str) -> None:
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    env = {"DATABASE_URL": postgres_url, "TRESTLE_ENCRYPTION_KEYS": f"{new},{old}"}
    both, after = Vault([new, old]), Vault([new])
    asked(postgres_url, lambda connection: _fill(connection, Vault([old]), MANY))
    refused = rotate(DATABASE_URL=postgres_url, TRESTLE_ENCRYPTION_KEYS=old)
    assert refused.returncode == 1
    assert "one key only" in refused.stderr
    assert old not in refused.stderr
    for keys, why in ((f"{old}, {old}", "one key only"), (f"{new},{old[:-5]}", "no Fernet key")):
        refused = rotate(DATABASE_URL=postgres_url, TRESTLE_ENCRYPTION_KEYS=keys)
        assert (refused.returncode, why in refused.stderr) == (1, True), refused.stderr
        assert "Traceback" not in refused.stderr
        assert old[:-5] not in refused.stderr

    with subprocess.Popen(COMMAND, cwd=PROJECT, env=environment(**env), stdout=subprocess.DEVNULL, start_new_session=True) as running:
        deadline = time.monotonic() + 120
        while not asked(postgres_url, lambda connection: _new(connection, after)):
            assert time.monotonic() < deadline
        os.killpg(running.pid, signal.SIGKILL)
    asked(postgres_url, _alone)
    done = asked(postgres_url, lambda connection: _new(connection, after))
    assert 0 < done < MANY
    assert asked(postgres_url, lambda connection: _opened(connection, both)) == MANY

    ended = rotate(**env)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert f"credentials: {MANY - done} encrypted anew" in ended.stdout
    assert asked(postgres_url, lambda connection: _opened(connection, after)) == MANY


def test_the_installation_s_own_key_is_kept_until_everything_has_the_new_one(
    migrated_home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = servers.copy(migrated_home, tmp_path / "home")
    path, retired = home.keys / "encryption_keys", home.keys / "retired_encryption_keys"
    old = path.read_text().strip()
    with servers.running(home, durable=False) as both:
        asked(both.database_url(), lambda connection: _fill(connection, Vault([old]), 50))

    # A breakdown after the new key was kept: the program that encrypts anew does not even start.
    broken = tmp_path / "broken"
    (broken / "asyncpg").mkdir(parents=True)
    (broken / "asyncpg" / "__init__.py").write_text("raise RuntimeError('no power')")
    failed = rotate(TRESTLE_HOME=str(home.path), PYTHONPATH=str(broken))
    assert failed.returncode == 1
    assert "run this again" in failed.stderr
    new, kept = path.read_text().strip().split(",")
    assert kept == old != new
    assert not retired.exists()

    ended = rotate(TRESTLE_HOME=str(home.path))
    assert ended.returncode == 0, ended.stderr
    assert "credentials: 50 encrypted anew" in ended.stdout
    assert (path.read_text().strip(), retired.read_text().strip()) == (new, old), "it went on with the key that it had made"
    assert {file.stat().st_mode & 0o777 for file in (path, retired)} == {0o600}
    assert new not in ended.stdout
    with servers.running(home, durable=False) as both:
        assert asked(both.database_url(), lambda connection: _opened(connection, Vault([new]))) == 50
        with home.locked():
            busy = rotate(TRESTLE_HOME=str(home.path))
        assert busy.returncode == 1
        assert "already running" in busy.stderr
    assert path.read_text().strip() == new


def test_a_key_is_on_the_disk_in_its_place_before_anything_is_encrypted_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[tuple[bool, list[str]]] = []
    sync = os.fsync

    def noted(descriptor: int) -> None:
        sync(descriptor)
        synced.append((stat.S_ISDIR(os.fstat(descriptor).st_mode), sorted(file.name for file in tmp_path.iterdir())))

    monkeypatch.setattr(os, "fsync", noted)
    write_key(tmp_path / "key", "text")
    assert synced == [(False, ["key.new"]), (True, ["key"])]
