"""The backend under any order of what may happen to executions: hypothesis looks for one that breaks a promise.

Each example plays three executors, a quarantine lane, a person and the sweep on a few executions, over HTTP and against a real
PostgreSQL. A witness in the database (tests/chaos/witness.py) judges every single write; the machine judges the answers. At the end of
an example all that is still alive must come to an end by sweeps, claims and reports alone: whatever is out of their reach would be
stuck for ever.
"""

import os
from collections.abc import Coroutine
from typing import Any, TypeVar
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from backend import sweeps
from backend.executions import resolutions
from backend.executions.resolutions import Outcome
from backend.internal import executors
from tests.backend.executions.house import House, house
from tests.backend.executions.world import DONE, FakeExecutor, report, step
from trestle.contracts.jobs import Resolution
from trestle.contracts.states import TERMINAL

EXAMPLES = int(os.environ.get("STATE_MACHINE_EXAMPLES", "40"))
STEPS = 30
T = TypeVar("T")

LIVE = ("queued", "running", "waiting", "paused")
NODES = st.sampled_from(["a", "b"])
ITEMS = st.sampled_from([None, 0])
WHO = st.integers(0, 3)
"""Three executors and a quarantine lane."""
WHICH = st.integers(0, 5)
"""The newest of its kind, the one before, …"""
PAST, FUTURE = "2020-01-01T00:00:00Z", "2090-01-01T00:00:00Z"


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

    def __init__(self) -> None:
        super().__init__()
        self.executions: list[str] = []
        self.held: list[Ownership] = []
        self.granted: dict[tuple[str, int], Ownership] = {}
        self.last_claims: dict[int, tuple[UUID, list[str]]] = {}

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """What `work` gives, from the backend's loop."""
        return self.house.loop.run(work)

    def an_execution(self, which: int) -> str:
        """One of them."""
        return self.executions[-1 - which % len(self.executions)]

    def an_ownership(self, which: int) -> Ownership:
        """One that was had, perhaps long ago."""
        return self.held[-1 - which % len(self.held)]

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
    def begin(self) -> None:
        """Each example begins with two executions that run, and nothing else."""
        self.run(self.house.pool.execute("delete from executions; delete from witness_successes; delete from witness_violations"))
        for who in range(2):
            self.accept("free")
            self.claim(who, [], uuid4(), 1)

    @rule(path=st.sampled_from(["free", "narrow", "narrow"]))
    def accept(self, path: str) -> None:
        """A webhook is called."""
        self.executions.append(self.run(self.house.backend.post(path)))

    def claim(self, who: int, ids: list[str], claim_id: UUID, limit: int) -> None:
        """Takes what a claim brings, each with an epoch that nobody had before."""
        executor = self.house.executors[who]
        self.last_claims[who] = (claim_id, ids)
        for job in self.run(executor.claim(*ids, claim_id=claim_id, limit=limit))["jobs"]:
            key = (str(job["execution_id"]), job["epoch"])
            known = self.granted.get(key)
            if known is None:
                known = self.granted[key] = Ownership(executor, job)
                self.held.append(known)
            assert known.executor is executor, "an epoch has two owners"
            newest = max(epoch for execution_id, epoch in self.granted if execution_id == key[0])
            assert job["epoch"] == newest, "an epoch was given out after a newer one"

    @rule(who=WHO, which=WHICH)
    def claim_one(self, who: int, which: int) -> None:
        """An id from the list, perhaps one that is owned or finished."""
        self.claim(who, [self.an_execution(which)], uuid4(), 10)

    @rule(who=WHO, limit=st.integers(1, 3))
    def claim_any(self, who: int, limit: int) -> None:
        """Whatever there is."""
        self.claim(who, [], uuid4(), limit)

    @rule(who=WHO)
    def claim_again(self, who: int) -> None:
        """The answer to the last claim was lost."""
        if who in self.last_claims:
            claim_id, ids = self.last_claims[who]
            self.claim(who, ids, claim_id, 10)

    def send(self, held: Ownership, *steps: dict[str, Any], ending: dict[str, Any] | None = None) -> None:
        """A new report; it counts exactly where the ownership does."""
        before, picture = self.row(held.execution_id), self.picture(held.execution_id)
        owns = self.owns(held, before)
        seq = before["report_seq"] + 1 if owns else len(held.sent) + 1
        message = report(held.job, seq, *steps, ending=ending)
        held.sent.append(message)
        verdict = self.run(held.executor.verdict(message))
        if not owns:
            assert verdict == "stale", verdict
            assert self.picture(held.execution_id) == picture, "a stale report changed something"
        elif before["status"] in TERMINAL:
            assert verdict == "cancel", verdict
            assert self.picture(held.execution_id) == picture, "a report changed what had ended"
        elif before["status"] == "running":
            assert verdict == "continue", verdict
            assert self.row(held.execution_id)["report_seq"] == seq

    @rule(which=WHICH, node=NODES, item=ITEMS, states=st.lists(st.sampled_from(["running", "succeeded", "failed"]), min_size=1, max_size=3))
    def report_steps(self, which: int, node: str, item: int | None, states: list[str]) -> None:
        """A step began or ended; or ends again, with another outcome."""
        held = self.an_ownership(which)
        for status in states:
            error = {"type": "Boom", "message": "It broke", "hint": ""} if status == "failed" else None
            self.send(held, step(node, status, item=item, output=len(held.sent) if status == "succeeded" else None, error=error))

    @rule(which=WHICH, node=NODES, ending=st.sampled_from([DONE, {"status": "failed", "failed_steps": 1}]))
    def report_end(self, which: int, node: str, ending: dict[str, Any]) -> None:
        """The last report of an execution."""
        self.send(self.an_ownership(which), step(node, output=1), ending=ending)

    @rule(which=WHICH, node=NODES, due=st.sampled_from([PAST, FUTURE, None]))
    def report_wait(self, which: int, node: str, due: str | None) -> None:
        """Nothing in it can run before a time, or before an answer. (Where that step is over, its executor would not say so.)"""
        held = self.an_ownership(which)
        over = "select count(*) from steps where execution_id = $1 and node = $2 and item is null and status in ('succeeded', 'failed')"
        if not self.run(self.house.pool.fetchval(over, UUID(held.execution_id), node)):
            token = {} if due else {"token": "webhook"}
            waiting = step(node, "waiting", due_at=due, started_at=PAST, wait={"n": 1}, **token)
            self.send(held, waiting, ending={"status": "waiting", "due_at": due})

    @rule(which=WHICH, sent=WHICH)
    def report_again(self, which: int, sent: int) -> None:
        """A report comes a second time, perhaps much later."""
        held = self.an_ownership(which)
        if held.sent:
            picture, row = self.picture(held.execution_id), self.row(held.execution_id)
            verdict = self.run(held.executor.verdict(held.sent[sent % len(held.sent)]))
            assert self.picture(held.execution_id) == picture, "a repeated report changed something"
            assert self.owns(held, row) or verdict == "stale", verdict

    @rule(which=WHICH)
    def report_with_a_gap(self, which: int) -> None:
        """The report before this one got lost."""
        held = self.an_ownership(which)
        row, picture = self.row(held.execution_id), self.picture(held.execution_id)
        verdict = self.run(held.executor.verdict(report(held.job, row["report_seq"] + 2, step("a", output=0))))
        assert verdict != "continue"
        assert self.picture(held.execution_id) == picture
        if self.owns(held, row) and row["status"] == "running":
            assert verdict == "resend"

    @rule(which=WHICH)
    def heartbeat(self, which: int) -> None:
        """An executor says that it is at it."""
        held = self.an_ownership(which)
        row = self.row(held.execution_id)
        verdict = self.run(held.executor.beat(held.job)).get(held.execution_id)
        if not self.owns(held, row):
            assert verdict == "stale"
        elif row["status"] == "running":
            assert verdict is None
        elif row["status"] in TERMINAL:
            assert verdict == "cancel"

    @rule(which=WHICH)
    def release(self, which: int) -> None:
        """An executor drains."""
        held = self.an_ownership(which)
        row = self.row(held.execution_id)
        holding = {"execution_id": held.execution_id, "epoch": held.job["epoch"]}
        status, _ = self.run(held.executor.call("release", {"running": [holding]}))
        assert status == 200
        after = self.row(held.execution_id)["status"]
        if self.owns(held, row) and row["status"] == "running":
            assert after == "queued"
        elif not self.owns(held, row):
            assert after == row["status"], "what somebody else owns was given back"

    @rule(which=WHICH, node=NODES)
    def answer(self, which: int, node: str) -> None:
        """What a step waits for has come, or will be waited for soon."""
        execution_id = self.an_execution(which)
        waits = (
            "select count(*) from steps where execution_id = $1 and node = $2 and item is null and status = 'waiting' and token = 'webhook'"
        )
        waited = self.run(self.house.pool.fetchval(waits, UUID(execution_id), node))
        before = self.row(execution_id)["status"]
        parts = self.house.services
        said = Resolution(node=node, kind="webhook", answer={"n": 1})
        outcome = self.run(resolutions.resolve(parts.database.hot, parts.queue, parts.doorbell, UUID(execution_id), said))
        assert (outcome is Outcome.OVER) >= (before in TERMINAL)
        if waited and before == "waiting":
            assert self.row(execution_id)["status"] == "queued"

    def steer(self, execution_id: str, what: str) -> int:
        """A person does something; the status of the answer."""
        path = f"/api/v1/executions/{execution_id}/{what}"
        status, answer = self.run(self.house.backend.call("POST", path, headers=self.house.headers, json={}))
        assert status in (202, 409), answer
        return status

    @rule(which=WHICH)
    def cancel(self, which: int) -> None:
        """A person ends it."""
        execution_id = self.an_execution(which)
        before = self.row(execution_id)["status"]
        status = self.steer(execution_id, "cancel")
        assert (status == 409) == (before in TERMINAL)
        assert self.row(execution_id)["status"] == ("cancelled" if status == 202 else before)

    @rule(which=WHICH)
    def pause(self, which: int) -> None:
        """A person stops it. Its owner, if it has one, may still finish and record what runs."""
        execution_id = self.an_execution(which)
        before = self.row(execution_id)["status"]
        status = self.steer(execution_id, "pause")
        assert (status == 202) == (before in ("queued", "running", "waiting"))
        assert self.row(execution_id)["status"] == ("paused" if status == 202 else before)

    @rule(which=WHICH)
    def resume(self, which: int) -> None:
        """A person lets it go on."""
        execution_id = self.an_execution(which)
        before = self.row(execution_id)
        status = self.steer(execution_id, "resume")
        assert (status == 202) == (before["status"] == "paused")
        if status == 202:
            after = self.row(execution_id)
            assert after["status"] in ("queued", "running")
            assert after["status"] == "queued" or (after["epoch"], after["executor_id"]) == (before["epoch"], before["executor_id"])

    @rule(which=WHICH)
    def expire(self, which: int) -> None:
        """Its executor is not heard any more."""
        execution_id = self.an_execution(which)
        past = "update executions set lease_until = now() - interval '1 s' where id = $1 and lease_until is not null"
        self.run(self.house.pool.execute(past, UUID(execution_id)))
        before = self.row(execution_id)
        self.run(self.house.sweep())
        if before["status"] == "running":
            assert self.row(execution_id)["status"] == "queued"

    @rule(which=WHICH)
    def time_passes(self, which: int) -> None:
        """What it waits for has come."""
        execution_id = self.an_execution(which)
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
    def every_live_row_is_within_reach(self) -> None:
        """By what each state needs so that something finds it again."""
        for row in self.run(self.house.pool.fetch("select * from executions where status = any($1::text[])", list(LIVE))):
            if row["status"] == "running":
                assert None not in (row["lease_until"], row["executor_id"], row["running_since"]), dict(row)
            elif row["status"] == "waiting":
                tokens = "select count(*) from steps where execution_id = $1 and status = 'waiting' and token is not null"
                assert row["wake_at"] is not None or self.run(self.house.pool.fetchval(tokens, row["id"])), dict(row)

    def teardown(self) -> None:
        """Whatever is alive is brought to its end by the ordinary ways alone."""
        for _ in range(3 * len(self.executions) + 3):
            for execution_id in self.executions:
                self.answer_all(execution_id)
                if self.row(execution_id)["status"] == "paused":
                    self.steer(execution_id, "resume")
            left = "select count(*) from executions where status = any($1::text[])"
            if not self.run(self.house.pool.fetchval(left, list(LIVE))):
                return
            self.run(self._let_time_pass())
            before = len(self.held)
            for who in range(len(self.house.executors)):
                self.claim(who, [], uuid4(), 50)
            for held in self.held[before:]:
                self.send(held, ending=DONE)
        rows = self.run(self.house.pool.fetch("select * from executions where status = any($1::text[])", list(LIVE)))
        raise AssertionError(f"out of reach: {[dict(row) for row in rows]}")

    def answer_all(self, execution_id: str) -> None:
        """Answers whatever the execution still waits for."""
        waits = "select node from steps where execution_id = $1 and item is null and status = 'waiting' and token is not null"
        for row in self.run(self.house.pool.fetch(waits, UUID(execution_id))):
            parts, said = self.house.services, Resolution(node=row["node"], kind="webhook")
            self.run(resolutions.resolve(parts.database.hot, parts.queue, parts.doorbell, UUID(execution_id), said))

    async def _let_time_pass(self) -> None:
        pool = self.house.pool
        await pool.execute("update executions set lease_until = now() - interval '1 s' where status = 'running'")
        await pool.execute("update executions set wake_at = now() - interval '1 s' where status = 'waiting' and wake_at is not null")
        await self.house.sweep()


def test_no_order_of_events_breaks_a_promise(postgres_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeps, "EVERY_S", 3600.0)  # the machine says when
    monkeypatch.setattr(executors, "TOKEN_S", 3600.0)  # nobody fetches new ones, and a busy machine may take longer than five minutes
    with house(postgres_url, redis_url) as built:

        class Machine(Executions):
            house = built

        run_state_machine_as_test(
            Machine,
            settings=settings(
                max_examples=EXAMPLES,
                stateful_step_count=STEPS,
                deadline=None,
                suppress_health_check=list(HealthCheck),
                derandomize="STATE_MACHINE_EXAMPLES" not in os.environ,
            ),
        )
