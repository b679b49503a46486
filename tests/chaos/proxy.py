"""A TCP proxy that does to connections what networks do: reset them, swallow what they carry, forget one end, delay."""

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import ExitStack, contextmanager
from enum import StrEnum
from typing import Any, TypeVar

from tests.acceptance.peer import loop_in_a_thread

T = TypeVar("T")
LATENCY_S = 2.0


class Weather(StrEnum):
    """What the network is like."""

    FAIR = "fair"
    RESET = "reset"
    """Every connection is reset, and every new one."""
    BLACKHOLE = "blackhole"
    """Nothing arrives any more, on old connections and new ones; nobody is told. Afterwards what was sent arrives."""
    HALF_OPEN = "half-open"
    """The other end of every connection is gone, and this one never hears of it. New connections find nobody who answers."""
    SLOW = "+2 s"
    """All takes two seconds longer, in each direction."""


class Link:
    """One client's connection and the one behind it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.upstream: asyncio.StreamWriter | None = None
        self.forgotten = False

    def reset(self) -> None:
        """Abort both ends."""
        for writer in (self.writer, self.upstream):
            if writer is not None:
                writer.transport.abort()

    def forget(self) -> None:
        """The server's end goes; the client's stays, and hears nothing ever after."""
        self.forgotten = True
        if self.upstream is not None:
            self.upstream.transport.abort()


class Proxy:
    """Listens on a port of its own and passes on to one address. `weather` may change at any time."""

    def __init__(self, host: str, port: int) -> None:
        self._target = host, port
        self._weather = Weather.FAIR
        self._fair = asyncio.Event()
        self._fair.set()
        self._links: set[Link] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.port = 0

    async def start(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Hang up on everybody."""
        assert self._server is not None
        self._server.close()
        for link in list(self._links):
            link.reset()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0.01)  # aborted connections are closed by the loop, a moment later

    async def change(self, weather: Weather) -> None:
        """From now on it is like this."""
        self._weather = weather
        if weather is Weather.BLACKHOLE:
            self._fair.clear()
        else:
            self._fair.set()
        for link in list(self._links):
            if weather is Weather.RESET:
                link.reset()
            elif weather is Weather.HALF_OPEN:
                link.forget()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        link = Link(reader, writer)
        self._links.add(link)
        try:
            await self._serve(link)
        except OSError:
            pass  # whatever it was, the connection has ended
        finally:
            link.reset()  # also of what was forgotten: the client has hung up by now
            self._links.discard(link)
            self._tasks.discard(task)

    async def _serve(self, link: Link) -> None:
        if self._weather is Weather.RESET:
            return
        if self._weather is Weather.HALF_OPEN:
            link.forgotten = True
        else:
            reader, link.upstream = await asyncio.open_connection(*self._target)
            both = [asyncio.create_task(self._pass_on(link, *way)) for way in ((link.reader, link.upstream), (reader, link.writer))]
            try:
                await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in both:
                    task.cancel()
                await asyncio.gather(*both, return_exceptions=True)
        if link.forgotten:
            while await link.reader.read(2**16):  # what the client says is lost; when it hangs up, so do we
                pass

    async def _pass_on(self, link: Link, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        due = 0.0  # nothing overtakes what is still on its way
        while data := await reader.read(2**16):
            await self._fair.wait()
            due = max(due, loop.time() + (LATENCY_S if self._weather is Weather.SLOW else 0))
            if link.forgotten:
                return
            if due > loop.time():
                loop.call_at(due, writer.write, data)
            else:
                writer.write(data)
                await writer.drain()
        await asyncio.sleep(max(0.0, due - loop.time()))
        if not link.forgotten:
            await self._fair.wait()


class Network:
    """Proxies by name, in a thread of their own: they go on while a test waits for a process."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._proxies: dict[str, Proxy] = {}

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """What `work` gives, done in the network's own loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    def between(self, name: str, port: int) -> int:
        """The port at which a proxy called `name` listens and passes on to `port` of this machine."""

        async def start() -> Proxy:
            proxy = Proxy("127.0.0.1", port)
            await proxy.start()
            return proxy

        self._proxies[name] = self.run(start())
        return self._proxies[name].port

    def change(self, name: str, weather: Weather) -> None:
        """Change the weather on one way."""
        self.run(self._proxies[name].change(weather))

    def close(self) -> None:
        """Stop all."""
        for proxy in self._proxies.values():
            self.run(proxy.stop())


@contextmanager
def network() -> Iterator[Network]:
    """A network without any way in it yet."""
    with ExitStack() as closing:
        it = Network(closing.enter_context(loop_in_a_thread("network")))
        closing.callback(it.close)
        yield it
