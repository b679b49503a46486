"""Stored secrets get a new encryption key, in batches, while backends write, and however often it is cut off."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from cryptography.fernet import Fernet

from backend.credentials import rekeying
from backend.credentials.vault import Sealed, Vault
from backend.models.base import Base

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()
BEFORE, BOTH, AFTER = Vault([OLD]), Vault([NEW, OLD]), Vault([NEW])
CREDENTIALS, GRANTS, FACTORS = rekeying.TABLES


class Rows:
    """Credentials of one project, each with a connection, and a second factor, encrypted with a key."""

    def __init__(self, connection: "asyncpg.Connection[asyncpg.Record]", project_id: UUID) -> None:
        self.connection = connection
        self.project_id = project_id

    async def add(self, text: str, vault: Vault = BEFORE) -> UUID:
        """A credential and its tokens."""
        ident = uuid4()
        place: dict[str, UUID | int] = {"project": self.project_id, "credential": ident, "version": 1}
        await self.connection.execute(
            "insert into credentials (id, project_id, name, type, ciphertext, key_id, fields, set_fields)"
            " values ($1, $2, 'C', 'bearer', $3, $4, '{}', '{}')",
            *(ident, self.project_id, vault.seal({"token": text}, **place), vault.key_id),
        )
        await self.connection.execute(
            "insert into oauth2_grants (credential_id, ciphertext, key_id, version) values ($1, $2, $3, 1)",
            *(ident, vault.seal({"oauth2": text}, **place), vault.key_id),
        )
        return ident

    async def read(self, table: rekeying.Table, vault: Vault) -> dict[Any, Any]:
        """What they hold, as far as these keys open it; how many they don't, under None."""
        opened: dict[Any, Any] = {}
        for row in await self.connection.fetch(f"select {table.key} as id, ciphertext, key_id from {table.name} order by 1"):
            place: dict[str, UUID | int] = {"project": self.project_id, "credential": row["id"], "version": 1}
            place = {"user": row["id"]} if table == FACTORS else place
            try:
                opened[row["id"]] = next(iter(vault.open(row["ciphertext"], **place).values()))
            except Sealed:
                opened[None] = opened.get(None, 0) + 1
        return opened


@pytest.fixture
async def rows(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Rows]:
    """A database with no secrets yet, gone over three rows at a time."""
    monkeypatch.setattr(rekeying, "BATCH", 3)
    connection = await asyncpg.connect(postgres_url)
    await connection.execute("truncate projects, users cascade")
    yield Rows(connection, await connection.fetchval("insert into projects (name) values ('P') returning id"))
    await connection.close()


def test_whatever_is_encrypted_is_known_here() -> None:
    encrypted = {name for name, table in Base.metadata.tables.items() if any("ciphertext" in column.name for column in table.columns)}
    assert encrypted == {table.name for table in rekeying.TABLES} | {"oauth2_states"}
    for table in rekeying.TABLES:
        assert {"key_id", table.key} <= {column.name for column in Base.metadata.tables[table.name].columns}


async def test_everything_opens_with_the_new_key_alone(rows: Rows, postgres_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    made = {await rows.add(str(number)): str(number) for number in range(7)}
    made |= {await rows.add("new", AFTER): "new"}
    await rows.add("lost", Vault([Fernet.generate_key().decode()]))
    user_id = await rows.connection.fetchval(
        "insert into users (email, password_hash, name, role) values ('a@b.c', '', 'A', 'member') returning id"
    )
    sealed = BEFORE.seal({"secret": "S"}, user=user_id)
    await rows.connection.execute(
        "insert into second_factors (user_id, ciphertext, key_id) values ($1, $2, $3)", user_id, sealed, BEFORE.key_id
    )
    await rekeying.run(postgres_url, BOTH)
    for table in (CREDENTIALS, GRANTS):
        opened = await rows.read(table, AFTER)
        assert opened.pop(None) == 1
        assert opened == made
    assert await rows.read(FACTORS, AFTER) == {user_id: "S"}
    said = capsys.readouterr().out
    assert "credentials: 7 encrypted anew; 1 that none of the keys opens" in said
    assert "second factors: 1 encrypted anew\n" in said
    await rekeying.run(postgres_url, BOTH)
    assert "credentials: 0 encrypted anew" in capsys.readouterr().out


async def test_cut_off_half_way_everything_can_be_read_and_the_next_run_does_the_rest(
    rows: Rows, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = {await rows.add(str(number)): str(number) for number in range(10)}
    renewed, times = Vault.renewed, 0

    def breaks(vault: Vault, ciphertext: bytes) -> bytes:
        nonlocal times
        times += 1
        if times == 5:
            raise RuntimeError("the power went")
        return renewed(vault, ciphertext)

    monkeypatch.setattr(Vault, "renewed", breaks)
    with pytest.raises(RuntimeError, match="power"):
        await rekeying.run(postgres_url, BOTH)
    assert await rows.read(CREDENTIALS, BOTH) == await rows.read(GRANTS, BOTH) == made
    assert (await rows.read(CREDENTIALS, AFTER))[None] == 7
    times = 100
    await rekeying.run(postgres_url, BOTH)
    assert times == 100 + 7 + 10, "what has the new key is left alone"
    assert await rows.read(CREDENTIALS, AFTER) == await rows.read(GRANTS, AFTER) == made


async def test_what_a_backend_writes_meanwhile_stays_and_gets_the_new_key_too(
    rows: Rows, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = {await rows.add(str(number)): str(number) for number in range(4)}
    changed = next(iter(sorted(made)))
    round_, rounds = rekeying._round, 0

    async def racing(connection: Any, vault: Vault, table: rekeying.Table) -> rekeying.Renewed:
        nonlocal rounds
        rounds += table == CREDENTIALS
        first: Any = Racing(connection)
        return await round_(first if rounds == 1 and table == CREDENTIALS else connection, vault, table)

    class Racing:
        """A backend that does not have the new key in front yet writes between reading and changing."""

        def __init__(self, connection: Any) -> None:
            self.connection = connection

        async def fetch(self, sql: str, *values: Any) -> Any:
            if sql.lstrip().startswith("update"):
                fresh = BEFORE.seal({"token": "changed"}, project=rows.project_id, credential=changed, version=1)
                await rows.connection.execute("update credentials set ciphertext = $2 where id = $1", changed, fresh)
            return await self.connection.fetch(sql, *values)

    monkeypatch.setattr(rekeying, "_round", racing)
    await rekeying.run(postgres_url, BOTH)
    assert await rows.read(CREDENTIALS, AFTER) == {**made, changed: "changed"}
    assert rounds == 3
