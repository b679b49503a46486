"""The judgement: what PostgreSQL, the peer and the repeater say of a run."""

import bisect
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import asyncpg

from tests.acceptance.peer import Call
from tests.chaos import witness
from tests.chaos.strikes import Strike

MAX_RECOVERY_S = 35.0


@dataclass
class Result:
    """How one scenario ended. `broken` names every promise that did not hold; `figures` are for the table."""

    name: str
    seed: int
    took_s: float = 0.0
    figures: dict[str, Any] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)
    slowest: list[str] = field(default_factory=list)

    @property
    def held(self) -> bool:
        """Whether everything did."""
        return not self.broken

    def expect(self, label: str, found: Sequence[Any] | int, *, to_be: int = 0) -> None:
        """Note a figure down, and that it had to be this."""
        count = found if isinstance(found, int) else len(found)
        self.figures[label] = count
        if count != to_be:
            examples = "" if isinstance(found, int) else f": {list(found)[:3]}"
            self.broken.append(f"{label} = {count}, not {to_be}{examples}")

    def as_json(self) -> dict[str, Any]:
        """For the file."""
        return {**asdict(self), "held": self.held}


async def endings(connection: "asyncpg.Connection[asyncpg.Record]", accepted: Mapping[str, Any], result: Result) -> None:
    """Lost, stuck, falsely failed, or one too many."""
    states = {row["id"]: row["status"] for row in await connection.fetch("select id::text, status from executions")}
    result.figures["executions"] = len(accepted)
    result.expect("lost", [e for e in accepted if e not in states])
    result.expect("stuck", [f"{e} {states[e]}" for e in accepted if states.get(e) in ("queued", "running", "waiting", "paused")])
    result.expect("failed falsely", [f"{e} {states[e]}" for e in accepted if states.get(e) in ("failed", "cancelled", "quarantined")])
    result.expect("made twice", [e for e in states if e not in accepted])
    result.expect("forbidden writes", await witness.violations(connection))


async def calls(
    connection: "asyncpg.Connection[asyncpg.Record]", heard: Sequence[Call], accepted: Mapping[str, set[str]], result: Result
) -> None:
    """Each step's calls: made, under one key, never again after its success was recorded."""
    successes = await witness.successes(connection)
    by_step: dict[tuple[str, str], list[Call]] = defaultdict(list)
    for call in heard:
        _, execution_id, step = call.path.split("/", 2)
        by_step[execution_id, step].append(call)
    wanted = {(execution_id, step) for execution_id, steps in accepted.items() for step in steps}
    result.figures["calls heard"] = len(heard)
    result.figures["calls repeated"] = len(heard) - len(by_step)
    result.expect("calls never made", sorted(wanted - by_step.keys()))
    again = []
    for (execution_id, step), made in by_step.items():
        node, _, item = step.partition("/")
        success = successes.get((execution_id, node, int(item) if item else None))
        if success is not None:
            again += [f"{execution_id} {step}: {c.at - success.at:.3f} s after" for c in made if c.at > success.at]
    result.expect("runs after a recorded success", again)
    result.expect("steps whose key changed", [s for s, made in by_step.items() if len({c.idempotency_key for c in made}) != 1])
    result.expect("keys shared by steps", len(by_step) - len({made[0].idempotency_key for made in by_step.values()}))


_HISTORY = """
select h.execution_id::text e, extract(epoch from h.at)::float8 at, h.status, h.epoch, coalesce(x.name, '') as owner
from witness_history h left join executors x on x.id = h.executor_id order by h.at
"""
_OVER = {"succeeded", "failed", "cancelled", "quarantined", "waiting"}


async def recovery(
    connection: "asyncpg.Connection[asyncpg.Record]", strikes: Sequence[Strike], result: Result, *, within_s: float = MAX_RECOVERY_S
) -> None:
    """How long each execution that a strike hit stood still.

    A killed or frozen executor: from the strike until another owner has it (a newer epoch), or it ended or waits all the same. Anything
    else: from the moment at which what was struck answers again until the next write of the execution.
    """
    history: dict[str, list[tuple[float, str, int, str]]] = defaultdict(list)
    for row in await connection.fetch(_HISTORY):
        history[row["e"]].append((row["at"], row["status"], row["epoch"], row["owner"]))
    times: dict[str, list[float]] = defaultdict(list)
    stories: list[tuple[float, str]] = []
    orphaned: dict[str, float] = {}
    for strike in strikes:
        owner = strike.of_an_owner
        for execution_id, epoch in strike.hit.items():
            if not owner and orphaned.get(execution_id, 0.0) > strike.at:
                continue  # it stands still because of an earlier strike, which counts it
            seen = history[execution_id]
            place = bisect.bisect_right(seen, (strike.over, "", 0, ""))
            if place and seen[place - 1][1] in _OVER:
                continue  # it had ended, or gone to wait, by the time of the strike or before its repair
            after = seen[place:]
            moved = [at for at, status, newer, _ in after if not owner or newer > epoch or status in _OVER]
            if moved:
                times[strike.kind].append(moved[0] - strike.over)
                story = "; ".join(f"{at - strike.over:+.1f} s {status} {newer} {who}" for at, status, newer, who in after[:6])
                stories.append((moved[0] - strike.over, f"{strike.kind} {strike.target}, epoch {epoch}: {story}"))
                if owner:
                    orphaned[execution_id] = moved[0]
    result.slowest = [f"{time:.1f} s after {story}" for time, story in sorted(stories, reverse=True)[:15]]
    every = sorted(time for found in times.values() for time in found)
    result.figures["strikes"] = len(strikes)
    result.figures["executions hit"] = len(every)
    result.figures["recovery p50 s"] = round(_quantile(every, 0.5), 1)
    result.figures["recovery p99 s"] = round(_quantile(every, 0.99), 1)
    result.figures["recovery max s"] = round(every[-1], 1) if every else 0.0
    result.figures["recovery p99 s by strike"] = {kind: round(_quantile(sorted(found), 0.99), 1) for kind, found in sorted(times.items())}
    if _quantile(every, 0.99) > within_s:
        result.broken.append(f"recovery p99 = {_quantile(every, 0.99):.1f} s, more than {within_s:.0f} s")


def _quantile(ordered: Sequence[float], share: float) -> float:
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)] if ordered else 0.0
