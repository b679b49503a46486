"""`python -m backend.credentials.rekeying`: encrypts with the first of TRESTLE_ENCRYPTION_KEYS whatever another of them encrypted.

Backends may run, once all of them have these keys in this order: each row changes only as it was read, and what a backend writes meanwhile
stays. A row says with which key it was encrypted, so that whatever ends this half-way, the next run takes up the rest.
"""

import asyncio
import os
import sys
from typing import NamedTuple
from uuid import UUID

import asyncpg

from backend.credentials.vault import Sealed, Vault

BATCH = 200
"""Rows a transaction."""


class Table(NamedTuple):
    """Where ciphertexts are, and the column that names their rows."""

    name: str
    key: str
    shown: str
    """What they are, in words."""


TABLES = (
    Table("credentials", "id", "credentials"),
    Table("oauth2_grants", "credential_id", "OAuth2 connections"),
    Table("second_factors", "user_id", "second factors"),
)
"""All with a column `key_id`. Not among them: `oauth2_states`, what a person takes along to a provider and back, good for ten minutes."""

_READ = """
select {key} as id, ciphertext from {table} where ciphertext is not null and key_id <> $1 and {key} > $2 order by {key} limit $3
"""
_CHANGE = """
update {table} t set ciphertext = n.fresh, key_id = $4 from unnest($1::uuid[], $2::bytea[], $3::bytea[]) as n(id, was, fresh)
where t.{key} = n.id and t.ciphertext = n.was returning t.{key}
"""


class Renewed(NamedTuple):
    """What became of a table's rows. `sealed`: no key opens them."""

    changed: int
    sealed: int


async def rekey(connection: "asyncpg.Connection[asyncpg.Record]", vault: Vault, table: Table) -> Renewed:
    """Goes over a table until nothing of it is left to change: what was written with an old key meanwhile is found by the next round."""
    changed = 0
    while True:
        renewed = await _round(connection, vault, table)
        changed += renewed.changed
        if not renewed.changed:
            return Renewed(changed, renewed.sealed)


async def _round(connection: "asyncpg.Connection[asyncpg.Record]", vault: Vault, table: Table) -> Renewed:
    read, change = (statement.replace("{table}", table.name).replace("{key}", table.key) for statement in (_READ, _CHANGE))
    changed, sealed, last = 0, 0, UUID(int=0)
    while rows := await connection.fetch(read, vault.key_id, last, BATCH):
        last = rows[-1]["id"]
        fresh: list[tuple[UUID, bytes, bytes]] = []
        for row in rows:
            try:
                fresh.append((row["id"], row["ciphertext"], vault.renewed(row["ciphertext"])))
            except Sealed:
                sealed += 1
        columns = [list(column) for column in zip(*fresh, strict=True)] or [[], [], []]
        changed += len(await connection.fetch(change, *columns, vault.key_id))
    return Renewed(changed, sealed)


async def run(dsn: str, vault: Vault) -> None:
    """Everything, table by table; says what was done."""
    connection = await asyncpg.connect(dsn, timeout=10, command_timeout=60)
    try:
        for table in TABLES:
            renewed = await rekey(connection, vault, table)
            lost = f"; {renewed.sealed} that none of the keys opens: they were lost before" if renewed.sealed else ""
            sys.stdout.write(f"  {table.shown}: {renewed.changed} encrypted anew{lost}\n")
    finally:
        await connection.close()


def main() -> int:
    """The exit code. DATABASE_URL and TRESTLE_ENCRYPTION_KEYS have been checked by whoever starts this."""
    keys = [key.strip() for key in os.environ["TRESTLE_ENCRYPTION_KEYS"].split(",") if key.strip()]
    dsn = os.environ["DATABASE_URL"].replace("postgresql+asyncpg://", "postgresql://", 1)
    try:
        asyncio.run(run(dsn, Vault(keys)))
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        sys.stderr.write(
            f"The database can't be used ({type(error).__name__}: {error}). What is done is done: run it again for the rest.\n"
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
