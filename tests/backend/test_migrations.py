"""The migrations make exactly the tables of models.py, and a backend waits for them."""

import asyncio

import asyncpg
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from backend import tables
from backend.models import Base
from trestle.cli.migrate import revisions


async def test_the_newest_migration_and_the_models_agree(postgres_url: str) -> None:
    def differences(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        return list(compare_metadata(context, Base.metadata))

    engine = create_async_engine("postgresql+asyncpg://", async_creator=lambda *_, **__: asyncpg.connect(postgres_url))
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    await engine.dispose()


async def test_a_backend_waits_for_the_tables_it_needs_and_not_for_older_ones(empty_postgres_url: str) -> None:
    connection = await asyncpg.connect(empty_postgres_url)
    try:
        known = revisions()
        assert known.newest < known.known
        waiting = asyncio.create_task(tables.wait(empty_postgres_url))
        await asyncio.sleep(0.3)
        assert not waiting.done(), "nothing is there"
        await connection.execute("create table alembic_version (version_num text)")
        for older in sorted(known.known - known.newest):
            await connection.execute("delete from alembic_version")
            await connection.execute("insert into alembic_version values ($1)", older)
            await asyncio.sleep(0.3)
            assert not waiting.done(), older
        others = "from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'"
        assert await connection.fetchval(f"select count(pg_terminate_backend(pid)) {others}") == 1
        await asyncio.sleep(0.3)
        assert not waiting.done(), "the server was restarted, and what it had said before holds"
        await connection.execute("update alembic_version set version_num = $1", *known.newest)
        async with asyncio.timeout(30):
            await waiting
            await connection.execute("update alembic_version set version_num = '9999'")
            await tables.wait(empty_postgres_url)  # a newer backend has been here
            await connection.execute("drop table alembic_version")
            await tables.wait("postgresql://nobody:x@127.0.0.1:1/none")  # what opens the database says what is wrong with it
    finally:
        await connection.execute("drop table if exists alembic_version")
        await connection.close()
