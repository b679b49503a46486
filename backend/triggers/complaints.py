"""Webhooks that can take no call, whoever calls: not set up any more, or unable to tell calls apart. Their callers get an error, but those
who could mend it would not hear of it: so it is a failure of the trigger, once a day for each webhook and kind."""

from collections import OrderedDict
from datetime import UTC, date, datetime
from uuid import UUID

import asyncpg

from backend.executions import trigger_failures
from backend.executions.doorbell import Doorbell
from backend.executions.settling import Settler
from backend.executions.trigger_failures import Failure, failure
from backend.triggers.directory import Webhook
from trestle.contracts.base import EncodedJson

_MAX_KNOWN = 10_000


class Complaints:
    """Remembers what this process has told already, so that a call that fails costs no statement."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", doorbell: Doorbell, settler: Settler) -> None:
        self._pool = pool
        self._doorbell = doorbell
        self._settler = settler
        self._told: OrderedDict[tuple[UUID, str], date] = OrderedDict()

    async def tell(self, hook: Webhook, what: str, message: str, hint: str, trigger: EncodedJson, input: EncodedJson = "null") -> None:
        """`what`: a word for this kind of failure. `trigger`: the call's circumstances."""
        today = datetime.now(UTC).date()
        place = hook.trigger_id, what
        if self._told.get(place) == today:
            return
        self._told[place] = today
        while len(self._told) > _MAX_KNOWN:
            self._told.popitem(last=False)
        key = f"trigger_failed:{hook.node}:{what}:{today}"
        failing = Failure(hook.trigger_id, trigger, failure(hook.node, message, hint), input, dedupe_key=key)
        trigger_failures.announce(self._doorbell, self._settler, await trigger_failures.record(self._pool, [failing]))
