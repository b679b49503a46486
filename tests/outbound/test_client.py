"""The client against real servers on this machine, opened to it by 127.0.0.0/8."""

import asyncio
import gzip
import json
import socket
import time
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from trestle.outbound import (
    BadResponse,
    BlockedAddress,
    ConnectionFailed,
    InvalidRequest,
    OutboundClient,
    Part,
    Policy,
    Response,
    TimedOut,
    TooLarge,
    TooManyRedirects,
)

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
LOCAL = Policy.parse("127.0.0.0/8")


@asynccontextmanager
async def serving(handler: Handler, host: str = "127.0.0.1") -> AsyncIterator[str]:
    runner = web.ServerRunner(web.Server(handler), shutdown_timeout=0)
    await runner.setup()
    site = web.TCPSite(runner, host, 0)
    await site.start()
    try:
        yield f"http://{host}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def echo(request: web.BaseRequest) -> web.Response:
    body = await request.read()
    seen = {
        "method": request.method,
        "path": request.path,
        "query": [list(pair) for pair in request.query.items()],
        "headers": {name.lower(): value for name, value in request.headers.items()},
        "body": body.decode("latin-1"),
        "peer": request.transport.get_extra_info("peername")[1] if request.transport else None,
    }
    return web.json_response(seen)


def redirecting(location: str, status: int = 302) -> Handler:
    async def handler(request: web.BaseRequest) -> web.Response:
        return web.Response(status=status, headers={"Location": location})

    return handler


async def test_requests() -> None:
    async with OutboundClient(LOCAL) as client, serving(echo) as url:
        got = await client.request("get", url + "/a?x=1", params={"q": "a b", "n": 2, "l": ["x", "y"], "none": None}, headers={"X-A": "1"})
        seen = got.json()
        assert (got.status, got.media_type, seen["method"]) == (200, "application/json", "GET")
        assert seen["query"] == [["x", "1"], ["q", "a b"], ["n", "2"], ["l", "x"], ["l", "y"]]
        assert seen["headers"]["x-a"] == "1"
        assert seen["headers"]["host"] == url.removeprefix("http://")
        assert got.url.startswith(url + "/a?x=1")
        assert got.elapsed_s > 0

        sent = (await client.request("POST", url, json={"é": [1, None]})).json()
        assert json.loads(sent["body"].encode("latin-1")) == {"é": [1, None]}
        assert sent["headers"]["content-type"] == "application/json"
        assert (await client.request("POST", url, json=None)).json()["body"] == "null"
        assert (await client.request("PUT", url, body=b"\x00\x01")).json()["body"] == "\x00\x01"
        assert (await client.request("POST", url, form={"a": "b c", "d": [1, 2]})).json()["body"] == "a=b+c&d=1&d=2"
        parts = [Part("a", "text"), Part("f", b"bytes", filename="f.bin", content_type="application/x-thing")]
        multi = (await client.request("POST", url, multipart=parts, headers={"Content-Type": "multipart/form-data"})).json()
        assert "boundary=" in multi["headers"]["content-type"]
        assert 'filename="f.bin"' in multi["body"]


async def test_connections_are_kept() -> None:
    async with OutboundClient(LOCAL) as client, serving(echo) as url:
        peers = {(await client.request("GET", url)).json()["peer"] for _ in range(3)}
        assert len(peers) == 1


async def test_the_environment_has_no_say(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with OutboundClient(LOCAL) as client, serving(echo) as url:
        assert (await client.request("GET", url)).status == 200


@pytest.mark.parametrize(
    ("headers", "word"),
    [
        ({"Host": "inside"}, "Host"),
        ({"Content-Length": "3"}, "Content-Length"),
        ({"Transfer-Encoding": "chunked"}, "Transfer-Encoding"),
        ({"X": "a\r\nY: b"}, "one line"),
        ({"X\r\nY": "b"}, "not the name"),
        ({"X Y": "b"}, "not the name"),
    ],
)
async def test_headers_that_smuggle(headers: dict[str, str], word: str) -> None:
    async with OutboundClient(LOCAL) as client:
        with pytest.raises(InvalidRequest, match=word):
            await client.request("GET", "http://127.0.0.1:9/", headers=headers)


async def test_two_bodies_and_odd_methods() -> None:
    async with OutboundClient(LOCAL) as client:
        with pytest.raises(InvalidRequest, match="one body"):
            await client.request("POST", "http://127.0.0.1:9/", body=b"x", json=1)
        for method in ("CONNECT", "TRACE", "GET /x HTTP/1.1\r\n", ""):
            with pytest.raises(InvalidRequest, match="method"):
                await client.request(method, "http://127.0.0.1:9/")


@pytest.mark.parametrize(
    "location",
    [
        "http://169.254.169.254/",
        "http://10.0.0.1/",
        "//[::1]/",
        "http://2130706433/",
        "http://localhost.evil/",
        "file:///etc/passwd",
        "http://u:p@a/",
    ],
)
async def test_a_redirect_to_the_inside(location: str) -> None:
    async def inside(host: str, port: int) -> list[str]:
        return ["192.168.1.1"]

    async with OutboundClient(LOCAL, lookup=inside) as client, serving(redirecting(location)) as url:
        with pytest.raises((BlockedAddress, InvalidRequest)):
            await client.request("GET", url)
        assert (await client.request("GET", url, follow_redirects=False)).status == 302


async def test_redirect_chains() -> None:
    async def countdown(request: web.BaseRequest) -> web.Response:
        left = int(request.path.strip("/"))
        return web.Response(status=302, headers={"Location": f"/{left - 1}"}) if left else web.Response(text="end")

    async with OutboundClient(LOCAL) as client, serving(countdown) as url:
        got = await client.request("GET", url + "/5")
        assert (got.text(), len(got.redirects), got.url) == ("end", 5, url + "/0")
        with pytest.raises(TooManyRedirects):
            await client.request("GET", url + "/6")


@pytest.mark.parametrize(
    ("status", "method", "then"),
    [(301, "POST", "GET"), (303, "PUT", "GET"), (307, "POST", "POST"), (308, "PUT", "PUT"), (302, "HEAD", "HEAD")],
)
async def test_secrets_stay_at_their_origin(status: int, method: str, then: str) -> None:
    seen: list[web.BaseRequest] = []

    async def target(request: web.BaseRequest) -> web.Response:
        seen.append(request)
        return await echo(request)

    headers = {"Authorization": "Bearer s", "Cookie": "a=b", "X-Api-Key": "k", "Accept": "text/x", "Idempotency-Key": "i"}
    async with OutboundClient(LOCAL) as client, serving(target) as there, serving(redirecting(there, status)) as url:
        await client.request(method, url, headers=headers, body=None if method == "HEAD" else b"body")
    names = {name.lower() for name in seen[0].headers}
    assert seen[0].method == then
    assert not names & {"authorization", "cookie", "x-api-key"}
    assert {"accept", "idempotency-key"} <= names
    assert ("content-type" in names) == (then in ("POST", "PUT"))


async def test_headers_stay_within_the_origin() -> None:
    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        return await echo(request) if request.path == "/b" else web.Response(status=302, headers={"Location": "b", "Set-Cookie": "x=y"})

    async with OutboundClient(LOCAL) as client, serving(handler) as url:
        seen = (await client.request("GET", url + "/a", headers={"Authorization": "Bearer s"})).json()
        assert seen["headers"]["authorization"] == "Bearer s"
        assert "cookie" not in seen["headers"]


def answering(body: bytes, headers: dict[str, str] | None = None) -> Handler:
    async def handler(request: web.BaseRequest) -> web.Response:
        return web.Response(body=body, headers=headers)

    return handler


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (gzip.compress(b"hello", mtime=0), "gzip"),  # without the hour: it would be in the test's name, and workers must agree on those
        (gzip.compress(b"hel", mtime=0) + gzip.compress(b"lo", mtime=0), "gzip"),
        (zlib.compress(b"hello"), "deflate"),
        (zlib.compress(b"hello")[2:-4], "deflate"),
        (b"hello", "identity"),
        (b"hello", ""),
    ],
)
async def test_decoding(body: bytes, encoding: str) -> None:
    async with OutboundClient(LOCAL) as client, serving(answering(body, {"Content-Encoding": encoding})) as url:
        assert (await client.request("GET", url)).body == b"hello"


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (b"hello", "gzip"),
        (gzip.compress(b"hello", mtime=0)[:-9], "gzip"),
        (b"x", "br"),
        (gzip.compress(b"x", mtime=0), "gzip, gzip"),
        (b"\xff\xff", "deflate"),
    ],
)
async def test_bodies_that_can_not_be_decoded(body: bytes, encoding: str) -> None:
    async with OutboundClient(LOCAL) as client, serving(answering(body, {"Content-Encoding": encoding})) as url:
        with pytest.raises(BadResponse):
            await client.request("GET", url)


async def test_a_gzip_bomb() -> None:
    bomb = gzip.compress(bytes(200_000_000), compresslevel=9)
    async with OutboundClient(LOCAL) as client, serving(answering(bomb, {"Content-Encoding": "gzip"})) as url:
        started = time.process_time()
        with pytest.raises(TooLarge, match="10485760"):
            await client.request("GET", url)
        assert time.process_time() - started < 2


async def test_the_size_limit() -> None:
    async def endless(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while True:
                await response.write(b"x" * 65536)
        except ConnectionError:
            return response

    async with OutboundClient(LOCAL) as client, serving(answering(b"x" * 1000)) as url, serving(endless) as stream:
        assert len((await client.request("GET", url, max_body=1000)).body) == 1000
        with pytest.raises(TooLarge):
            await client.request("GET", url, max_body=999)
        with pytest.raises(TooLarge):
            await client.request("GET", stream, max_body=200_000)


async def slow(request: web.BaseRequest) -> web.Response:
    for _ in range(400):
        await asyncio.sleep(0.05 if request.transport is not None else 0)  # 20 s, or until the client has gone away
    return web.Response()


async def trickle(request: web.BaseRequest) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    try:
        for _ in range(1000):
            await response.write(b"x")
            await asyncio.sleep(0.02)
    except ConnectionError:
        pass  # the client went away, as it should
    return response


@pytest.mark.parametrize("handler", [slow, trickle])
async def test_the_timeout_spans_everything(handler: Handler) -> None:
    async with OutboundClient(LOCAL) as client, serving(handler) as url:
        started = time.perf_counter()
        with pytest.raises(TimedOut, match=r"longer than 0\.2 s") as caught:
            await client.request("GET", url, timeout_s=0.2)
        assert time.perf_counter() - started < 9
        assert caught.value.retryable


async def test_cancelling_aborts_the_call() -> None:
    come, gone = asyncio.Event(), asyncio.Event()

    async def waiting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(1000):
            come.set()
        gone.set()
        writer.close()

    server = await asyncio.start_server(waiting, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, OutboundClient(LOCAL) as client:
        call = asyncio.create_task(client.request("GET", f"http://127.0.0.1:{port}/"))
        await asyncio.wait_for(come.wait(), 10)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await asyncio.wait_for(gone.wait(), 10)


async def raw(answer: bytes) -> asyncio.Server:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.close()

    return await asyncio.start_server(handle, "127.0.0.1", 0)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"", ConnectionFailed),
        (b"SSH-2.0-OpenSSH\r\n", BadResponse),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", ConnectionFailed),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n", BadResponse),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\nabc", TooLarge),
    ],
)
async def test_servers_that_break(answer: bytes, error: type[Exception]) -> None:
    server = await raw(answer)
    async with server, OutboundClient(LOCAL) as client:
        with pytest.raises(error):
            await client.request("GET", f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/")


async def test_nobody_there() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        async with OutboundClient(LOCAL) as client:
            with pytest.raises(ConnectionFailed, match="can't be reached"):
                await client.request("GET", f"http://127.0.0.1:{unused.getsockname()[1]}/?token=secret")


async def test_own_ports_stay_closed_and_names_are_pinned() -> None:
    async def local(host: str, port: int) -> list[str]:
        return ["127.0.0.1"]

    async with serving(echo) as own, serving(echo) as other:
        port, other_port = own.rpartition(":")[2], other.rpartition(":")[2]
        policy = Policy.parse("127.0.0.0/8,::1/128,0.0.0.0/8", denied=[("localhost", int(port))])
        async with OutboundClient(policy, lookup=local) as client:
            for host in ("127.0.0.1", "127.0.0.2", "localhost", "[::1]", "[::ffff:127.0.0.1]", "anything.example", "0.0.0.0"):
                with pytest.raises(BlockedAddress):
                    await client.request("GET", f"http://{host}:{port}/")
            got = (await client.request("GET", f"http://anything.example:{other_port}/")).json()
            assert got["headers"]["host"] == f"anything.example:{other_port}"


async def test_the_socket_is_the_last_wall() -> None:
    """Even if the resolver were asked nothing, no socket is made towards a closed address."""
    async with OutboundClient(Policy()) as client:
        with pytest.raises(BlockedAddress):
            await client._session().get("http://127.0.0.1:9/")


async def test_headers_and_text() -> None:
    async def handler(request: web.BaseRequest) -> web.Response:
        response = web.Response(body="h\xe9".encode("latin-1"), headers={"Content-Type": "Text/Plain; charset=iso-8859-1", "X-A": "1"})
        response.headers.add("X-A", "2")
        response.headers.add("Set-Cookie", "a=1")
        response.headers.add("Set-Cookie", "b=2")
        return response

    async with OutboundClient(LOCAL) as client, serving(handler) as url:
        got = await client.request("GET", url)
        assert (got.text(), got.media_type) == ("hé", "text/plain")
        assert got.headers.getall("x-a") == ["1", "2"]
        assert got.joined_headers()["x-a"] == "1, 2"
        assert got.joined_headers()["set-cookie"] == "a=1\nb=2"
        with pytest.raises(BadResponse, match="not JSON"):
            got.json()


async def test_an_answer_is_handed_over_piece_by_piece_with_the_same_guards() -> None:
    body = bytes(5_000_000)
    got: list[int] = []

    async def receive(head: Response, pieces: AsyncIterator[bytes]) -> bytes:
        got.append(head.status)
        async for piece in pieces:
            assert len(piece) <= 2**20
            got.append(len(piece))
        return b"kept"

    answer = answering(gzip.compress(body), {"Content-Encoding": "gzip"})
    async with OutboundClient(LOCAL) as client, serving(answer) as url:
        response = await client.request("GET", url, receive=receive)
        assert (response.body, response.status, got[0], sum(got[1:])) == (b"kept", 200, 200, len(body))
        with pytest.raises(TooLarge):
            await client.request("GET", url, receive=receive, max_body=4_999_999)
    async with OutboundClient(Policy()) as client, serving(answer) as url:
        with pytest.raises(BlockedAddress):
            await client.request("GET", url, receive=receive)
