"""Bad weather on each way between the processes, one way and one kind of weather after the other, with work under way."""

import asyncio
import time
from urllib.parse import urlsplit, urlunsplit

from tests.acceptance.stack import Stack
from tests.chaos.judging import Result
from tests.chaos.proxy import Network, Weather, network
from tests.chaos.scene import Ground, Scene, scene, timed
from tests.chaos.strikes import Strike, names

EXECUTORS = 2
WAYS = ("executor ↔ backend", "executor ↔ redis", "backend ↔ postgres", "backend ↔ redis")
STORMY = (Weather.RESET, Weather.BLACKHOLE, Weather.HALF_OPEN, Weather.SLOW)
_HELD = "select id::text, epoch from executions where status = 'running'"


def _through(net: Network, way: str, url: str) -> str:
    """`url`, by way of a proxy."""
    parts = urlsplit(url)
    assert parts.port is not None
    port = net.between(way, parts.port)
    return urlunsplit(parts._replace(netloc=parts.netloc.replace(f":{parts.port}", f":{port}")))


async def run(ground: Ground, seed: int, quick: bool = False) -> Result:
    """Sixteen kinds of trouble."""
    result = Result("network", seed)
    lasts_s, pause_s, load = (4.0, 3.0, 6) if quick else (12.0, 6.0, 12)
    with network() as net:

        def prepare(stack: Stack) -> None:
            backend = _through(net, WAYS[0], stack.backend_url)
            queue = _through(net, WAYS[1], stack.redis_url)
            for name in names("executor", EXECUTORS):
                stack.adapt(name, TRESTLE_BACKEND_URL=backend, REDIS_URL=queue)
            database = _through(net, WAYS[2], stack.database_url)
            stack.adapt("backend", DATABASE_URL=database, REDIS_URL=_through(net, WAYS[3], stack.redis_url))

        async with timed(result), scene(ground, seed, executors=EXECUTORS, at_once=20, prepare=prepare) as it:
            strikes = []
            for way in WAYS:
                for weather in STORMY:
                    working = asyncio.create_task(it.work.put_in(load, over_s=lasts_s))
                    await asyncio.sleep(1.0)
                    strikes.append(await _weather(it, net, way, weather, lasts_s))
                    await working
                    await asyncio.sleep(pause_s)
            await it.judge(result, strikes)
    return result


async def _weather(it: Scene, net: Network, way: str, weather: Weather, lasts_s: float) -> Strike:
    hit = {row["id"]: row["epoch"] for row in await it.ask(_HELD)}
    strike = Strike(f"{weather} {way}", way, time.time(), hit=hit)
    net.change(way, weather)
    await asyncio.sleep(lasts_s)
    net.change(way, Weather.FAIR)
    strike.over = time.time()
    it.say(f"  {weather} on {way}: {len(hit)} executions hit")
    return strike
