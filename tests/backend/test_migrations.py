"""The migrations make exactly the tables of models.py."""

import asyncpg
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from backend.models import Base


async def test_the_newest_migration_and_the_models_agree(postgres_url: str) -> None:
    def differences(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        return list(compare_metadata(context, Base.metadata))

    engine = create_async_engine("postgresql+asyncpg://", async_creator=lambda *_, **__: asyncpg.connect(postgres_url))
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    await engine.dispose()
