"""A catalogue without an executor: a registered row, with the node types that ship."""

import functools
import json

from sqlalchemy import insert

from backend.db import Database
from backend.models import Executor
from executor.registry import discover


@functools.cache
def shipped() -> str:
    """Every built-in node type, as an executor would register it."""
    return json.dumps([kind.model_dump(mode="json") for kind in discover(installed=False).catalogue()])


async def register(database: Database) -> None:
    """An executor that lives, as far as the database knows."""
    catalogue = json.loads(shipped())
    async with database.session() as session:
        await session.execute(insert(Executor).values(name="test", catalogue=catalogue, types=[kind["type"] for kind in catalogue]))
