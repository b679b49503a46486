"""A real HTTP server for nodes that call out: it echoes, refuses, throttles, redirects, hangs and breaks."""

import asyncio
import base64
from typing import Any

from aiohttp import BodyPartReader, web


class Peer:
    """A server that tells what it got, and answers as it is told to."""

    def __init__(self) -> None:
        self.seen: list[dict[str, Any]] = []
        self.url = ""
        self.hanging = asyncio.Event()
        self.hung_up = asyncio.Event()

    async def echo(self, request: web.Request) -> web.Response:
        """Records the request and gives it back."""
        body = await request.read()
        self.seen.append({"headers": request.headers.copy(), "body": body})
        query = [[name, value] for name, value in request.query.items()]
        return web.json_response({"method": request.method, "query": query, "body": body.decode()}, headers={"X-Two": "1"})

    async def multipart(self, request: web.Request) -> web.Response:
        """Reads a form, and gives name, file name, type and content of each part."""
        parts = []
        async for part in await request.multipart():
            assert isinstance(part, BodyPartReader)
            parts.append([part.name, part.filename, part.headers.get("Content-Type", ""), (await part.read()).decode("latin-1")])
        return web.json_response(parts)

    async def status(self, request: web.Request) -> web.Response:
        """Answers with a status and headers from the query."""
        headers = {name: value for name, value in request.query.items() if name != "body"}
        return web.Response(status=int(request.match_info["status"]), headers=headers, text=request.query.get("body", "because"))

    async def typed(self, request: web.Request) -> web.Response:
        """Answers bytes of a type."""
        body = base64.b64decode(request.query["body"])
        return web.Response(body=body, headers={"Content-Type": request.query["type"]} if request.query["type"] else {})

    async def hang(self, request: web.Request) -> web.Response:
        """Says nothing for a minute."""
        self.hanging.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            self.hung_up.set()
            raise
        return web.Response()

    async def cut(self, request: web.Request) -> web.Response:
        """Breaks the connection without an answer."""
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async def redirect(self, request: web.Request) -> web.Response:
        """Sends the caller elsewhere."""
        return web.Response(status=307, headers={"Location": request.query.get("to", "/redirect")})


async def serve(peer: Peer) -> web.AppRunner:
    """Starts it on a free port. Clean the runner up at the end."""
    app = web.Application()
    app.router.add_route("*", "/echo", peer.echo)
    app.router.add_post("/multipart", peer.multipart)
    app.router.add_route("*", "/status/{status}", peer.status)
    app.router.add_get("/typed", peer.typed)
    app.router.add_route("*", "/hang", peer.hang)
    app.router.add_route("*", "/cut", peer.cut)
    app.router.add_route("*", "/redirect", peer.redirect)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    peer.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    return runner
