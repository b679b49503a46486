"""One executor process: composed, registered, and run until SIGTERM or SIGINT."""

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Coroutine, Sequence
from typing import Any

import structlog
from pydantic import ValidationError

from executor.api import Api, BackendAway, BackendRefused
from executor.credentials import types_with_a_test
from executor.errors import RegistryError
from executor.lane import ARGUMENT, LANE_AT_ONCE, Lane, die_with, tell_parent
from executor.queue import Queue
from executor.registry import Registry, discover
from executor.settings import Settings
from executor.throttle import Throttle
from executor.worker import Worker
from trestle import logs
from trestle.contracts.jobs import Registered, Registration
from trestle.outbound import OutboundClient, Policy, own_servers

_log = structlog.get_logger("executor")


def main(arguments: Sequence[str] = ()) -> int:
    """Gives the exit code: 0 after a drain, 1 where it can't start. `--quarantine <parent's process id>`: it is a lane."""
    quarantine = bool(arguments) and arguments[0] == ARGUMENT
    if quarantine:
        die_with(int(arguments[1]) if len(arguments) > 1 else os.getppid())
    logs.configure()
    try:
        settings = Settings()
    except ValidationError as error:
        for line in error.errors(include_input=False, include_url=False):
            _log.error("a setting is missing or wrong", setting=str(line["loc"][0]), reason=line["msg"])
        return 1
    try:
        registry = discover(settings.nodes_dir)
        own = own_servers([settings.backend_url, settings.redis_url], settings.denied_addresses)
        policy = Policy.parse(settings.allow_cidrs, own)
    except (RegistryError, ValueError) as error:
        _log.error("the executor can't start", reason=str(error))
        return 1
    for entry in registry:
        if entry.node is None:
            _log.warning("a node is broken", source=entry.source, reason=entry.type.broken)
    gc.freeze()  # all that was loaded stays: the collector need not look at it again
    gc.enable()
    return _run(serve(settings, registry, policy, quarantine=quarantine))


def _run(work: Coroutine[Any, Any, int]) -> int:
    if sys.platform == "win32":
        return asyncio.run(work)
    import uvloop

    return uvloop.run(work)


async def serve(settings: Settings, registry: Registry, policy: Policy, *, quarantine: bool = False) -> int:
    """Registers, works until a signal comes (in a quarantine lane: or until nothing is left for it), drains."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    registration = Registration(
        name=f"{settings.name}-quarantine" if quarantine else settings.name,
        catalogue=registry.catalogue(),
        lane="quarantine" if quarantine else "main",
        credential_types=types_with_a_test(),
    )
    api = Api(settings.backend_url, settings.executor_key, registration)
    try:
        registering = asyncio.create_task(_register(api))
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait([registering, stopped], return_when=asyncio.FIRST_COMPLETED)
        if not registering.done():
            registering.cancel()
            return 0
        stopped.cancel()
        registered = registering.result()
        if registered is None:
            return 1
        concurrency = min(LANE_AT_ONCE, settings.concurrency) if quarantine else settings.concurrency
        _log.info("at work", executor=str(registered.executor_id), nodes=len(registry.catalogue()), concurrency=concurrency)
        if quarantine:
            tell_parent(registered.executor_id)
        queue = Queue(settings.redis_url, registered.executor_id)
        throttle = Throttle(settings.redis_url)
        async with OutboundClient(policy) as http:
            lane = None if quarantine else Lane(api)
            worker = Worker(api, queue, registry, http, throttle=throttle, concurrency=concurrency, drain_s=settings.drain_s, lane=lane)
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, worker.stop)
            if stop.is_set():
                worker.stop()
            try:
                await worker.run()
            finally:
                await registry.close()
                await queue.close()
                await throttle.aclose()
        _log.info("drained")
        return 0
    finally:
        await api.close()


async def _register(api: Api) -> Registered | None:
    """Tries until the backend answers. None where it says that the key is wrong."""
    pause, told = 0.1, False
    while True:
        try:
            return await api.register()
        except BackendAway as error:
            if not told:
                _log.info("waiting for the backend", reason=str(error))
                told = True
            await asyncio.sleep(pause)
            pause = min(pause * 1.05, 0.5)
        except BackendRefused as refusal:
            _log.error("the backend refuses this executor: check TRESTLE_EXECUTOR_KEY", status=refusal.status, detail=refusal.detail)
            return None
