"""The backend under any order of what may happen to executions: hypothesis looks for one that breaks a promise.

Each example plays three executors, a person and the sweep on a few executions, over HTTP and against a real PostgreSQL. A witness in the
database (tests/chaos/witness.py) judges every single write; the machine judges the answers. At the end of an example all that is
still alive must come to an end by sweeps, claims and reports alone: whatever is out of their reach would be stuck for ever.
"""

import asyncio
import json
import os
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar
from uuid import UUID, uuid4

import asyncpg
import pytest
from cryptography.fernet import Fernet
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule, run_state_machine_as_test
from pydantic import SecretStr

from backend import sweeps
from backend.services import Services
from backend.settings import Settings
from backend.sweeps import Sweeper
from tests.backend.executions.world import DONE, Backend, FakeExecutor, World, report, serving, step
from tests.chaos import witness
from trestle.contracts.states import TERMINAL

EXAMPLES = int(os.environ.get("STATE_MACHINE_EXAMPLES", "60"))
STEPS = 30
T = TypeVar("T")

LIVE = ("queued", "running", "waiting", "paused")
NODES = st.sampled_from(["a", "b"])
ITEMS = st.sampled_from([None, 0])
PAST, FUTURE = "2020-01-01T00:00:00Z", "2090-01-01T00:00:00Z"


class Loop:
    """An event loop in a thread of its own: the backend lives there, while hypothesis runs here."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="backend")
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """What `work` gives."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    def close(self) -> None:
        """End the thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class House:
    """A running backend with two workflows, one of which runs one execution at a time, three executors and a person."""

    def __init__(self, loop: Loop, backend: Backend, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self.loop = loop
        self.backend = backend
        self.pool = pool
        services: Services = backend.app.state.services
        self.sweeper = Sweeper(services.database.hot, services.queue, services.doorbell, services.settler)
        self.executors: list[FakeExecutor] = []
        self.headers: dict[str, str] = {}

    async def furnish(self) -> None:
        """Put in all that the examples share."""
        async with self.pool.acquire() as connection:
            await witness.install(connection)  # type: ignore[arg-type]  # a pool's connection is one
        world = await World.create(self.pool, "free")
        narrow = await World.workflow(self.pool, world.project_id, "narrow", ["trigger.webhook", "set"])
        snapshot = "select t.snapshot_id from triggers t where t.workflow_id = $1"
        graph = json.loads(await self.pool.fetchval(f"select graph from snapshots where id = ({snapshot})", narrow.workflow_id))
        graph["settings"] = {"concurrency": {"key": None, "limit": 1}}
        await self.pool.execute(
            f"update snapshots set limited = true, graph = $2 where id = ({snapshot})", narrow.workflow_id, json.dumps(graph)
        )
        self.executors = [await FakeExecutor.register(self.backend) for _ in range(3)]
        person = {"email": "ada@example.com", "password": "correct horse battery", "name": "Ada"}
        await self.backend.call("POST", "/api/v1/users/register", json=person)
        _, token = await self.backend.call(
            "POST", "/api/v1/users/login", data={"username": person["email"], "password": person["password"]}
        )
        self.headers = {"Authorization": f"Bearer {token['access_token']}"}
        await self.pool.execute("insert into memberships (project_id, user_id, role) select $1, id, 'admin' from users", world.project_id)

    async def sweep(self) -> None:
        """One round."""
        while not await self.sweeper.sweep():
            await asyncio.sleep(0.005)


@contextmanager
def _house(postgres_url: str, redis_url: str) -> Iterator[House]:
    loop = Loop()
    stop, ready = asyncio.Event(), threading.Event()
    built: list[House] = []

    async def live() -> None:
        given = Settings(
            database_url=postgres_url,
            redis_url=redis_url,
            secret_key=SecretStr("3f9a8b7c6d5e4f3a2b1c0d9e8f7a6b5c"),
            executor_key=SecretStr("0a1b2c3d4e5f60718293a4b5c6d7e8f9"),
            encryption_keys=SecretStr(Fernet.generate_key().decode()),
            bcrypt_rounds=4,
            access_token_s=3600,
        )
        async with asyncpg.create_pool(postgres_url, min_size=1, max_size=2) as pool, serving(given) as backend:
            house = House(loop, backend, pool)
            await house.furnish()
            built.append(house)
            ready.set()
            await stop.wait()

    living = asyncio.run_coroutine_threadsafe(live(), loop._loop)
    living.add_done_callback(lambda _: ready.set())
    try:
        ready.wait(30)
        if not built:
            living.result(1)
        yield built[0]
    finally:
        loop._loop.call_soon_threadsafe(stop.set)
        living.result(30)
        loop.close()


class Ownership:
    """What an executor got by one claim: an execution under one epoch."""

    def __init__(self, executor: FakeExecutor, job: dict[str, Any]) -> None:
        self.executor = executor
        self.job = job
        self.execution_id = str(job["execution_id"])
        self.sent: list[dict[str, Any]] = []

    def __repr__(self) -> str:
        return f"<{self.execution_id[-4:]} epoch {self.job['epoch']}>"


class Executions(RuleBasedStateMachine):
    """Everything that may happen, in any order."""

    house: House
    executions: Bundle[str] = Bundle("executions")
    ownerships: Bundle[Ownership] = Bundle("ownerships")

    def __init__(self) -> None:
        super().__init__()
        self.granted: dict[tuple[str, int], Ownership] = {}
        self.last_claims: dict[int, tuple[UUID, list[str]]] = {}

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """What `work` gives, from the backend's loop."""
        return self.house.loop.run(work)

    def row(self, execution_id: str) -> dict[str, Any]:
        """The execution as it is."""
        row = self.run(self.house.pool.fetchrow("select * from executions where id = $1", UUID(execution_id)))
        assert row is not None, "an accepted execution is lost"
        return dict(row)

    def picture(self, execution_id: str) -> tuple[Any, ...]:
        """All that a report could change."""
        row = self.row(execution_id)
        query = "select node, item, attempt, status, epoch, output::text from steps where execution_id = $1 order by 1, 2, 3"
        steps = [tuple(step) for step in self.run(self.house.pool.fetch(query, UUID(execution_id)))]
        return (row["status"], row["epoch"], row["report_seq"], row["event_seq"], row["output"], steps)

    def owns(self, held: Ownership, row: dict[str, Any]) -> bool:
        """Whether the ownership is still what the database says."""
        return row["epoch"] == held.job["epoch"] and str(row["executor_id"]) == held.executor.executor_id

    @initialize()
    def empty(self) -> None:
        """Each example begins with nothing."""
        self.run(self.house.pool.execute("delete from executions; delete from witness_successes; delete from witness_violations"))

    @rule(target=executions, path=st.sampled_from(["free", "free", "narrow"]))
    def accept(self, path: str) -> str:
        """A webhook is called."""
        return self.run(self.house.backend.post(path))

    def claim(self, who: int, ids: list[str], claim_id: UUID, limit: int) -> list[Ownership]:
        """What a claim brings, each with an epoch that nobody had before."""
        executor = self.house.executors[who]
        self.last_claims[who] = (claim_id, ids)
        found = []
        for job in self.run(executor.claim(*ids, claim_id=claim_id, limit=limit))["jobs"]:
            key = (str(job["execution_id"]), job["epoch"])
            known = self.granted.get(key)
            if known is None:
                known = self.granted[key] = Ownership(executor, job)
                found.append(known)
            assert known.executor is executor, "an epoch has two owners"
            newest = max(epoch for execution_id, epoch in self.granted if execution_id == key[0])
            assert job["epoch"] == newest, "an epoch was given out after a newer one"
        return found

    @rule(target=ownerships, who=st.integers(0, 2), execution_id=executions)
    def claim_one(self, who: int, execution_id: str) -> Any:
        """An id from the list, perhaps one that is owned or finished."""
        return multiple(*self.claim(who, [execution_id], uuid4(), 10))

    @rule(target=ownerships, who=st.integers(0, 2), limit=st.integers(1, 3))
    def claim_any(self, who: int, limit: int) -> Any:
        """Whatever there is."""
        return multiple(*self.claim(who, [], uuid4(), limit))

    @rule(target=ownerships, who=st.integers(0, 2))
    def claim_again(self, who: int) -> Any:
        """The answer to the last claim was lost."""
        if who not in self.last_claims:
            return multiple()
        claim_id, ids = self.last_claims[who]
        return multiple(*self.claim(who, ids, claim_id, 10))

    def send(self, held: Ownership, message: dict[str, Any]) -> None:
        """A new report; it counts exactly where the ownership does."""
        before, picture = self.row(held.execution_id), self.picture(held.execution_id)
        held.sent.append(message)
        verdict = self.run(held.executor.verdict(message))
        if not self.owns(held, before):
            assert verdict == "stale", verdict
            assert self.picture(held.execution_id) == picture, "a stale report changed something"
        elif before["status"] in TERMINAL:
            assert verdict == "cancel", verdict
            assert self.picture(held.execution_id) == picture, "a report changed what had ended"
        elif before["status"] == "running":
            assert verdict == "continue", verdict
            assert self.row(held.execution_id)["report_seq"] == message["seq"]

    def seq(self, held: Ownership) -> int:
        """The number that the next report has to have."""
        row = self.row(held.execution_id)
        return int(row["report_seq"]) + 1 if self.owns(held, row) else len(held.sent) + 1

    @rule(held=ownerships, node=NODES, item=ITEMS, status=st.sampled_from(["running", "succeeded", "succeeded", "failed"]), n=st.integers())
    def report_step(self, held: Ownership, node: str, item: int | None, status: str, n: int) -> None:
        """A step began or ended."""
        error = {"type": "Boom", "message": "It broke", "hint": ""} if status == "failed" else None
        done = step(node, status, item=item, output=n if status == "succeeded" else None, error=error)
        self.send(held, report(held.job, self.seq(held), done))

    @rule(held=ownerships, node=NODES, ending=st.sampled_from([DONE, {"status": "failed", "failed_steps": 1}]))
    def report_end(self, held: Ownership, node: str, ending: dict[str, Any]) -> None:
        """The last report of an execution."""
        self.send(held, report(held.job, self.seq(held), step(node, output=1), ending=ending))

    @rule(held=ownerships, node=NODES, due=st.sampled_from([PAST, FUTURE]))
    def report_wait(self, held: Ownership, node: str, due: str) -> None:
        """Nothing in it can run before a time."""
        waiting = step(node, "waiting", due_at=due, started_at=PAST, wait={"n": 1})
        self.send(held, report(held.job, self.seq(held), waiting, ending={"status": "waiting", "due_at": due}))

    @rule(held=ownerships, which=st.integers(0, 10))
    def report_again(self, held: Ownership, which: int) -> None:
        """A report comes a second time, perhaps much later."""
        if not held.sent:
            return
        picture, row = self.picture(held.execution_id), self.row(held.execution_id)
        verdict = self.run(held.executor.verdict(held.sent[which % len(held.sent)]))
        assert self.picture(held.execution_id) == picture, "a repeated report changed something"
        if not self.owns(held, row):
            assert verdict == "stale", verdict

    @rule(held=ownerships)
    def contradict(self, held: Ownership) -> None:
        """A step whose success is recorded is reported anew, with something else."""
        query = "select node, item from steps where execution_id = $1 and status = 'succeeded' order by 1, 2 limit 1"
        done = self.run(self.house.pool.fetchrow(query, UUID(held.execution_id)))
        if done is not None:
            for other in (step(done["node"], item=done["item"], output="other"), step(done["node"], "running", item=done["item"])):
                self.send(held, report(held.job, self.seq(held), other))

    @rule(held=ownerships)
    def report_with_a_gap(self, held: Ownership) -> None:
        """The report before this one got lost."""
        row, picture = self.row(held.execution_id), self.picture(held.execution_id)
        verdict = self.run(held.executor.verdict(report(held.job, self.seq(held) + 1, step("a", output=0))))
        assert verdict != "continue"
        assert self.picture(held.execution_id) == picture
        if self.owns(held, row) and row["status"] == "running":
            assert verdict == "resend"

    @rule(held=ownerships)
    def heartbeat(self, held: Ownership) -> None:
        """An executor says that it is at it."""
        row = self.row(held.execution_id)
        verdict = self.run(held.executor.beat(held.job)).get(held.execution_id)
        if not self.owns(held, row):
            assert verdict == "stale"
        elif row["status"] == "running":
            assert verdict is None
        elif row["status"] in TERMINAL:
            assert verdict == "cancel"

    @rule(held=ownerships)
    def release(self, held: Ownership) -> None:
        """An executor drains."""
        row = self.row(held.execution_id)
        holding = {"execution_id": held.execution_id, "epoch": held.job["epoch"]}
        status, _ = self.run(held.executor.call("release", {"running": [holding]}))
        assert status == 200
        after = self.row(held.execution_id)["status"]
        if self.owns(held, row) and row["status"] == "running":
            assert after == "queued"
        elif not self.owns(held, row):
            assert after == row["status"], "what somebody else owns was given back"

    def steer(self, execution_id: str, what: str) -> int:
        """A person does something; the status of the answer."""
        path = f"/api/v1/executions/{execution_id}/{what}"
        status, answer = self.run(self.house.backend.call("POST", path, headers=self.house.headers, json={}))
        assert status in (202, 409), answer
        return status

    @rule(execution_id=executions)
    def cancel(self, execution_id: str) -> None:
        """A person ends it."""
        before = self.row(execution_id)["status"]
        status = self.steer(execution_id, "cancel")
        assert (status == 409) == (before in TERMINAL)
        assert self.row(execution_id)["status"] == ("cancelled" if status == 202 else before)

    @rule(execution_id=executions)
    def expire(self, execution_id: str) -> None:
        """Its executor is not heard any more."""
        past = "update executions set lease_until = now() - interval '1 s' where id = $1 and lease_until is not null"
        self.run(self.house.pool.execute(past, UUID(execution_id)))
        before = self.row(execution_id)
        self.run(self.house.sweep())
        if before["status"] == "running":
            assert self.row(execution_id)["status"] == "queued"

    @rule(execution_id=executions)
    def time_passes(self, execution_id: str) -> None:
        """What it waits for has come."""
        past = "update executions set wake_at = now() - interval '1 s' where id = $1 and status = 'waiting' and wake_at is not null"
        self.run(self.house.pool.execute(past, UUID(execution_id)))
        self.run(self.house.sweep())
        row = self.row(execution_id)
        assert row["status"] != "waiting" or row["wake_at"] is None

    @invariant()
    def nothing_forbidden_was_written(self) -> None:
        """The witness in the database has seen nothing."""
        rows = self.run(self.house.pool.fetch("select what, detail from witness_violations"))
        assert [tuple(row) for row in rows] == []

    @invariant()
    def every_live_row_is_within_reach_of_the_sweep(self) -> None:
        """By what each state needs so that something finds it again."""
        for row in self.run(self.house.pool.fetch("select * from executions where status = any($1::text[])", list(LIVE))):
            if row["status"] == "running":
                assert None not in (row["lease_until"], row["executor_id"], row["running_since"]), dict(row)
            elif row["status"] == "waiting":
                tokens = "select count(*) from steps where execution_id = $1 and status = 'waiting' and token is not null"
                assert row["wake_at"] is not None or self.run(self.house.pool.fetchval(tokens, row["id"])), dict(row)

    def teardown(self) -> None:
        """Whatever is alive is brought to its end by the ordinary ways alone."""
        if not hasattr(self, "house"):
            return
        for _ in range(40):
            counts = "select count(*) from executions where status = any($1::text[])"
            if not self.run(self.house.pool.fetchval(counts, list(LIVE))):
                return
            self.run(self._let_time_pass())
            for who in range(len(self.house.executors)):
                for held in self.claim(who, [], uuid4(), 50):
                    assert self.run(held.executor.verdict(report(held.job, 1, ending=DONE))) == "continue"
        left = self.run(self.house.pool.fetch("select * from executions where status = any($1::text[])", list(LIVE)))
        raise AssertionError(f"out of reach: {[dict(row) for row in left]}")

    async def _let_time_pass(self) -> None:
        pool = self.house.pool
        await pool.execute("update executions set lease_until = now() - interval '1 s' where status = 'running'")
        await pool.execute("update executions set wake_at = now() - interval '1 s' where status = 'waiting' and wake_at is not null")
        await self.house.sweep()


def test_no_order_of_events_breaks_a_promise(postgres_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeps, "EVERY_S", 3600.0)  # the machine says when
    with _house(postgres_url, redis_url) as built:

        class Machine(Executions):
            house = built

        run_state_machine_as_test(
            Machine,
            settings=settings(
                max_examples=EXAMPLES, stateful_step_count=STEPS, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
            ),
        )
