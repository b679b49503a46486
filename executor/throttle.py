"""Rate limits that all executors share: of a credential, or of a host. In Redis; each process keeps its own while Redis is away.

A limit holds for any stretch of time: of the last `requests` calls the first must be `per_s` old before the next may go. Whoever
has to wait gets a place in the line, under a ticket, so that those who wait don't all come back at once.
"""

import asyncio
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

import redis.asyncio as redis
import structlog
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from trestle.contracts.credentials import RateLimit

PREFIX = "trestle:rate:"
PATIENCE_S = 0.2
"""How long Redis may take. After that the process goes on by its own count."""
AWAY_S = 1.0
"""For how long Redis isn't asked again once it did not answer; and how long it is believed that nothing is closed."""
AHEAD_S = 60.0
"""How far ahead places are given away. Whoever is further behind comes back to ask: a place that nobody takes is lost."""
MAX_KEPT = 1000
"""Calls that are remembered for a limit. A larger limit is kept as several of shorter time, which is stricter, never looser."""
SLACK_MS = 3.0

# Keys: closed, calls, line, ticket. Arguments: requests, per (ms), ahead (ms), slack (ms). Gives the milliseconds to wait; 0: go.
_TAKE = """
local clock = redis.call('TIME')
local now = clock[1] * 1000 + clock[2] / 1000
local requests, per, ahead, slack = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local free = now + math.max(redis.call('PTTL', KEYS[1]), 0)
if redis.call('LLEN', KEYS[2]) >= requests then free = math.max(free, tonumber(redis.call('LINDEX', KEYS[2], 0)) + per) end
local place = tonumber(redis.call('GET', KEYS[4]) or '-1')
if place < 0 then
    place = free
    if redis.call('LLEN', KEYS[3]) >= requests then place = math.max(place, tonumber(redis.call('LINDEX', KEYS[3], 0)) + per) end
    if place - now > ahead then return tostring(place - now) end
    redis.call('RPUSH', KEYS[3], tostring(place))
    redis.call('LTRIM', KEYS[3], -requests, -1)
    redis.call('PEXPIRE', KEYS[3], math.ceil(place - now + per + 1000))
end
free = math.max(free, place)
if free - now > slack then
    redis.call('SET', KEYS[4], tostring(free), 'PX', math.ceil(free - now + 600000))
    return tostring(free - now)
end
redis.call('RPUSH', KEYS[2], tostring(now))
redis.call('LTRIM', KEYS[2], -requests, -1)
redis.call('PEXPIRE', KEYS[2], math.ceil(per + 1000))
redis.call('DEL', KEYS[4])
return '0'
"""
_CLOSE = """
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[1]) then redis.call('SET', KEYS[1], '1', 'PX', ARGV[1]) end
"""

_log = structlog.get_logger("executor.throttle")


@dataclass
class _Own:
    """What this process knows of one scope by itself. Times are of time.monotonic."""

    closed_until: float = 0.0
    asked_at: float = float("-inf")
    calls: dict[tuple[int, float], deque[float]] = field(default_factory=dict)
    asking: asyncio.Lock = field(default_factory=asyncio.Lock)

    def unsure(self) -> bool:
        """Whether it may have been closed by somebody else since it was last asked about."""
        now = time.monotonic()
        return self.closed_until <= now and self.asked_at + AWAY_S <= now


class Throttle:
    """Places in line. `scope` names what is limited: a credential, or a host for one project."""

    def __init__(self, redis_url: str) -> None:
        # redis-py types its methods for its synchronous and its asynchronous client at once.
        self._redis: Any = redis.Redis.from_url(
            redis_url, socket_timeout=PATIENCE_S, socket_connect_timeout=PATIENCE_S, retry=Retry(NoBackoff(), 0)
        )
        self._take = self._redis.register_script(_TAKE)
        self._close = self._redis.register_script(_CLOSE)
        self._away_until = 0.0
        self._own: dict[str, _Own] = {}

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._redis.aclose()

    async def delay_s(self, scope: str, limit: RateLimit | None, ticket: str) -> float:
        """Seconds until the call may go; 0: now, and it is counted. Asked again under the same `ticket` it keeps its place."""
        own = self._of(scope)
        if limit is None:
            return await self._closed_s(scope, own)
        requests, per_s = _kept(limit)
        base = f"{PREFIX}{{{scope}}}"
        keys = [f"{base}:closed", *(f"{base}:{requests}/{per_s:g}:{name}" for name in ("calls", "line", f"ticket:{ticket}"))]
        waits_ms = await self._ask(self._take(keys=keys, args=[requests, per_s * 1000, AHEAD_S * 1000, SLACK_MS]))
        return float(waits_ms) / 1000 if waits_ms is not None else _local(own, requests, per_s)

    async def close(self, scope: str, seconds: float) -> None:
        """The service asked for a pause: nobody calls it for so long."""
        own = self._of(scope)
        own.closed_until = max(own.closed_until, time.monotonic() + seconds)
        await self._ask(self._close(keys=[f"{PREFIX}{{{scope}}}:closed"], args=[max(int(seconds * 1000), 1)]))

    async def _closed_s(self, scope: str, own: _Own) -> float:
        """How long the scope is closed. Redis is asked once a second at most: a call without a limit should cost nothing."""
        if own.unsure():
            async with own.asking:  # whoever comes meanwhile waits for the same answer
                if own.unsure():
                    asked_at = time.monotonic()
                    left_ms = await self._ask(self._redis.pttl(f"{PREFIX}{{{scope}}}:closed"))
                    own.asked_at = asked_at
                    own.closed_until = max(own.closed_until, asked_at + max(left_ms or 0, 0) / 1000)
        return max(own.closed_until - time.monotonic(), 0.0)

    async def _ask(self, asking: Any) -> Any:
        """Redis's answer, or None where it is away. A connection that died without a sign costs one step 0.2 s, not each."""
        if time.monotonic() < self._away_until:
            asking.close()
            return None
        try:
            async with asyncio.timeout(2 * PATIENCE_S):
                return await asking
        except (RedisError, OSError, TimeoutError) as error:
            _log.warning("rate limits are kept by this process alone: Redis is away", reason=str(error) or type(error).__name__)
            self._away_until = time.monotonic() + AWAY_S
            return None

    def _of(self, scope: str) -> _Own:
        own = self._own.get(scope)
        if own is None:
            if len(self._own) >= MAX_KEPT:
                now = time.monotonic()
                self._own = {known: kept for known, kept in self._own.items() if kept.calls or kept.closed_until > now}
            own = self._own[scope] = _Own()
        return own


def _kept(limit: RateLimit) -> tuple[int, float]:
    """The limit as it is kept: at most MAX_KEPT calls, in accordingly less time."""
    parts = -(-limit.requests // MAX_KEPT)
    return limit.requests // parts, limit.per_s / parts


def _local(own: _Own, requests: int, per_s: float) -> float:
    """The same by this process's own count, without places: those who wait come back."""
    now = time.monotonic()
    calls = own.calls.setdefault((requests, per_s), deque(maxlen=requests))
    free = max(own.closed_until, calls[0] + per_s if len(calls) == requests else 0.0)
    if free > now:
        return free - now
    calls.append(now)
    return 0.0
