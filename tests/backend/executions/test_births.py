"""Executions made at triggers: of enabled workflows, once for each dedupe key."""

import asyncpg

from backend.executions.births import Birth, insert
from tests.backend.executions.world import World


async def test_births_keep_their_order_and_a_dedupe_key_makes_one(database: "asyncpg.Pool[asyncpg.Record]", world: World) -> None:
    trigger = await database.fetchval("select id from triggers where workflow_id = $1", world.workflow_id)
    births = [Birth(trigger, "{}", "1"), Birth(trigger, "{}", "2", dedupe_key="a"), Birth(trigger, "{}", "3")]
    first = await insert(database, births)
    again = await insert(database, births)
    assert [born.fresh for born in first if born] == [True, True, True]
    assert [born.fresh for born in again if born] == [True, False, True]
    assert first[1] is not None
    assert again[1] is not None
    assert again[1].execution_id == first[1].execution_id
    inputs = {row["id"]: row["input"] for row in await database.fetch("select id, input from executions")}
    assert [inputs[born.execution_id] for born in first if born] == ["1", "2", "3"]


async def test_a_disabled_workflow_starts_only_where_that_is_allowed(database: "asyncpg.Pool[asyncpg.Record]", world: World) -> None:
    trigger = await database.fetchval("select id from triggers where workflow_id = $1", world.workflow_id)
    await database.execute("update workflows set enabled = false")
    none, called = await insert(database, [Birth(trigger, "{}"), Birth(trigger, "{}", even_disabled=True)])
    assert none is None
    assert called is not None
    assert called.fresh
