"""Lists of executions: the same rows whichever index they are read from, and however little of the history one page looks through."""

import json
from itertools import product
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.dialects.postgresql.asyncpg import dialect as asyncpg_dialect

from backend.executions import listing
from backend.models import Execution
from backend.paging import Paging
from tests.backend.executions.test_api import Ada
from tests.backend.executions.world import Backend, FakeExecutor, World
from trestle.contracts.states import ExecutionStatus

_STATES = [status.value for status in ExecutionStatus]
_KINDS = ("webhook", "manual", "schedule")

pytestmark = pytest.mark.usefixtures("unswept")


@pytest.fixture
async def ada(backend: Backend, world: World, executor: FakeExecutor) -> Ada:
    """Somebody with a workflow."""
    return await Ada(backend, "ada@example.com").sign_up()


async def stored(world: World, project_id: str, workflow_id: str | None, count: int) -> list[dict[str, Any]]:
    """So many executions of every state and kind, newest first; also some that no list shows."""
    snapshot = await world.pool.fetchval("select id from snapshots limit 1")
    made = []
    for n in range(count):
        status, kind = _STATES[n * 5 % 8], _KINDS[n * n % 3]
        row = {"status": status, "kind": kind, "workflow_id": workflow_id}
        row["id"] = await world.pool.fetchval(
            """insert into executions (project_id, workflow_id, snapshot_id, status, trigger, input, seed, blocked_on, kind, wake_at)
            values ($1, $2, $3, $4, $5, '1', 'x', $6, $7, 'infinity') returning id""",
            UUID(project_id),
            workflow_id and UUID(workflow_id),
            snapshot,
            status,
            json.dumps({"path": "\0", "kind": kind}),
            "slot" if n % 16 == 0 else None,
            "poll" if n % 11 == 10 else "run",
        )
        if n % 11 != 10:
            made.append(row)
    return made[::-1]


async def walked(ada: Ada, limit: int, **narrowed: Any) -> list[str]:
    """All pages of a list: each row once, no page longer than asked."""
    found: list[str] = []
    params = [(name, value) for name, values in narrowed.items() for value in (values if isinstance(values, list) else [values])]
    cursor = None
    while True:
        asked = [*params, ("limit", str(limit)), *([("cursor", cursor)] if cursor else [])]
        page = await ada.call("GET", "/executions", params=asked)
        assert len(page["items"]) <= limit
        found += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            return found


@pytest.mark.parametrize("walk", [7, 2000])
async def test_every_filter_finds_the_same_rows_from_whichever_index(
    ada: Ada, world: World, monkeypatch: pytest.MonkeyPatch, walk: int
) -> None:
    monkeypatch.setattr(listing, "WALK", walk)
    mine = (await ada.call("GET", f"/workflows/{ada.workflow_id}"))["project_id"]
    other = (await ada.call("POST", "/projects", 201, json={"name": "Another"}))["id"]
    await stored(world, str(world.project_id), None, 12)  # nobody of theirs sees these, though some stand in the same small indexes
    rows = await stored(world, other, None, 20) + await stored(world, mine, ada.workflow_id, 40) + await stored(world, mine, None, 5)
    rows.sort(key=lambda row: row["id"], reverse=True)
    choices = [
        None,
        *([status] for status in _STATES),
        ["failed", "quarantined"],
        ["queued", "running", "waiting"],
        ["succeeded", "failed"],
    ]
    for statuses, kind, workflow in product(choices, (None, "manual"), (None, ada.workflow_id)):
        wanted = {"status": statuses, "trigger": kind, "workflow_id": workflow}
        expected = [
            str(row["id"])
            for row in rows
            if (statuses is None or row["status"] in statuses)
            and (kind is None or row["kind"] == kind)
            and (workflow is None or row["workflow_id"] == workflow)
        ]
        found = await walked(ada, 9, **{name: value for name, value in wanted.items() if value is not None})
        assert found == expected, wanted
    strangers = await world.pool.fetchval("select workflow_id from triggers where workflow_id = $1 limit 1", world.workflow_id)
    assert await walked(ada, 4, workflow_id=str(strangers or world.workflow_id)) == []


async def test_a_page_that_looked_far_enough_stops_and_says_where(ada: Ada, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "WALK", 10)
    mine = (await ada.call("GET", f"/workflows/{ada.workflow_id}"))["project_id"]
    rows = await stored(world, mine, ada.workflow_id, 30)
    page = await ada.call("GET", "/executions?trigger=event")
    assert page["items"] == []
    assert page["next_cursor"] is not None
    assert await walked(ada, 50, trigger="event") == []
    oldest = [str(row["id"]) for row in rows if row["kind"] == "webhook"][-1]
    assert (await walked(ada, 50, trigger="webhook"))[-1] == oldest


@pytest.mark.parametrize(
    ("states", "index"), [(["failed"], "executions_apart_of_project"), (["running"], "executions_running"), ([], "executions_of_project")]
)
async def test_what_is_rare_is_read_from_an_index_of_its_own(world: World, states: list[str], index: str) -> None:
    # Failures are many, but not among the newest, nor is anything of this project: to go through those until enough have turned up looks
    # quick to PostgreSQL, and is not.
    other = await World.create(world.pool, "other")
    await world.pool.execute(
        """insert into executions (id, project_id, workflow_id, snapshot_id, status, trigger, input, seed)
        select uuidv7(make_interval(secs => n - 10000)), case when n < 4000 then $1::uuid else $3 end, $2,
                (select id from snapshots limit 1),
            case when n < 800 then 'failed' else 'succeeded' end, json_build_object('kind', 'webhook', 'filler', repeat('x', 500)), '1', 'x'
        from generate_series(1, 8000) n""",
        world.project_id,
        world.workflow_id,
        other.project_id,
    )
    await world.pool.execute("vacuum analyze executions")
    wanted = listing.Wanted(status=[ExecutionStatus(state) for state in states])
    statement = listing.statement(Execution.project_id, [world.project_id], Paging(50, None), wanted).compile(dialect=asyncpg_dialect())  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it so
    values = [statement.params[name] for name in statement.positiontup or ()]
    plan = "\n".join(row[0] for row in await world.pool.fetch(f"explain {statement}", *values))
    assert index in plan, plan
    assert "Seq Scan on executions" not in plan
