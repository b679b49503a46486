"""Runs the migrations on the database that DATABASE_URL names: `alembic upgrade head`."""

import asyncio
import os
from typing import Any

import asyncpg
from alembic import context
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from backend.models import Base


def migrate(connection: Connection) -> None:
    """Applies what is missing, in one transaction: a migration that fails leaves nothing behind."""
    context.configure(connection=connection, target_metadata=Base.metadata, compare_type=True, compare_server_default=True)
    with context.begin_transaction():
        # Two hosts that start at once must not migrate side by side.
        connection.exec_driver_sql("select pg_advisory_xact_lock(7234095623)")
        context.run_migrations()


async def main() -> None:
    """Connects and migrates."""
    url = context.config.attributes.get("database_url") or os.environ.get("DATABASE_URL")
    if not url:
        raise SystemExit("DATABASE_URL is not set: give the address of the PostgreSQL database, postgresql://…")
    dsn = "postgresql://" + url.split("://", 1)[1]

    async def connect(*_: Any, **__: Any) -> "asyncpg.Connection[asyncpg.Record]":
        return await asyncpg.connect(dsn)

    engine = create_async_engine("postgresql+asyncpg://", async_creator=connect, poolclass=NullPool)
    async with engine.begin() as connection:
        await connection.run_sync(migrate)
    await engine.dispose()


asyncio.run(main())
