"""Which event triggers an event meets: their conditions, compiled once, in bounded time and beside the event loop where that is long."""

import asyncio
import time
from collections import OrderedDict
from dataclasses import dataclass
from uuid import UUID

import asyncpg
import orjson

from trestle.contracts.base import EncodedJson, JsonObject
from trestle.language import LanguageError, compile_logic

_MAX_COMPILED = 10_000
_LONG = 256 * 1024  # bytes of event times conditions that take more than an instant
_PATIENCE_S = 5.0  # for all conditions of one event

_TRIGGERS = """
select t.id, t.workflow_id, t.node, t.config
from triggers t join workflows w on w.id = t.workflow_id
where w.project_id = $1 and t.kind = 'event' and w.enabled
order by t.workflow_id, t.node
"""


@dataclass(frozen=True, slots=True)
class Match:
    """An event trigger that fires; or, with a `problem`, one of which it can't be told."""

    trigger_id: UUID
    workflow_id: UUID
    node: str
    problem: LanguageError | None = None


class Matcher:
    """Finds what an event starts."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self._pool = pool
        self._compiled: OrderedDict[UUID, Rule] = OrderedDict()

    async def matches(self, project_id: UUID, event: JsonObject, size: int) -> list[Match]:
        """The triggers of the project's enabled workflows that `event` (of `size` bytes) meets: one a workflow, its first."""
        rows = await self._pool.fetch(_TRIGGERS, project_id)
        rules = [(row, self._rule(row["id"], row["config"])) for row in rows]
        if size * len(rules) > _LONG:
            return await asyncio.to_thread(_matching, rules, event)
        return _matching(rules, event)

    def _rule(self, trigger_id: UUID, config: EncodedJson) -> "Rule":
        """The condition of a trigger. A trigger never changes: publishing makes another."""
        rule = self._compiled.get(trigger_id)
        if rule is None:
            rule = self._compiled[trigger_id] = Rule(orjson.loads(config).get("condition"))
            while len(self._compiled) > _MAX_COMPILED:
                self._compiled.popitem(last=False)
        self._compiled.move_to_end(trigger_id)
        return rule


class Rule:
    """A condition over an event."""

    def __init__(self, condition: JsonObject | bool | None) -> None:
        self._settled = condition if isinstance(condition, bool) else True
        self._logic = None
        self._wrong: LanguageError | None = None
        if isinstance(condition, dict):
            try:
                self._logic = compile_logic(condition)
            except LanguageError as error:  # an operator that a later version no longer knows
                self._wrong = error

    def holds(self, event: JsonObject) -> bool:
        """Raises LanguageError where it can't be told."""
        if self._wrong is not None:
            raise self._wrong
        return self._settled if self._logic is None else self._logic.holds_for(event)


def _matching(rules: "list[tuple[asyncpg.Record, Rule]]", event: JsonObject) -> list[Match]:
    until = time.monotonic() + _PATIENCE_S
    found: dict[UUID, Match] = {}
    for row, rule in rules:
        known = found.get(row["workflow_id"])
        if known is not None and known.problem is None:
            continue
        try:
            if time.monotonic() > until:
                raise LanguageError(
                    "The conditions of this event took too long altogether, and this one's turn did not come.", kind="limit"
                )
            if rule.holds(event):
                found[row["workflow_id"]] = Match(row["id"], row["workflow_id"], row["node"])
        except LanguageError as error:
            found.setdefault(row["workflow_id"], Match(row["id"], row["workflow_id"], row["node"], error))
    return list(found.values())
