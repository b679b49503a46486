"""`http.request`, against real servers: what is sent, what comes back, and each way in which a call can go wrong."""

import asyncio
import base64
import socket
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from executor.credentials import Basic, Bearer, Header
from executor.errors import CredentialRefused, NodeError
from executor.nodes.network.http_request import HttpRequest
from executor.testing import RecordingContext, run_node, template_of
from tests.executor.nodes.peer import Peer, serve
from trestle.contracts.credentials import RateLimit
from trestle.contracts.jobs import Secret
from trestle.language import Scope
from trestle.outbound import OutboundClient, Policy

KEY = UUID("0190e2a0-0000-7000-8000-000000000001")
NOW = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    """One server."""
    made = Peer()
    runner = await serve(made)
    yield made
    await runner.cleanup()


@pytest.fixture
async def other() -> AsyncIterator[Peer]:
    """A server of another origin."""
    made = Peer()
    runner = await serve(made)
    yield made
    await runner.cleanup()


@pytest.fixture
async def ctx() -> AsyncIterator[RecordingContext]:
    """A context whose client may reach this machine."""
    async with OutboundClient(Policy.parse("127.0.0.0/8")) as client:
        yield RecordingContext(client=client, now=NOW, idempotency_key="key-of-the-step")


async def send(ctx: RecordingContext, config: dict[str, Any], **names: Any) -> dict[str, Any]:
    """Runs the node."""
    output = await run_node(HttpRequest(), config, ctx=ctx, **names)
    assert isinstance(output, dict)
    return output


async def failure(ctx: RecordingContext, config: dict[str, Any], **names: Any) -> NodeError:
    """Runs the node, which must fail."""
    with pytest.raises(NodeError) as failed:
        await send(ctx, config, **names)
    assert failed.value.hint
    return failed.value


async def test_sends_json_with_expressions_and_gives_status_headers_and_body(peer: Peer, ctx: RecordingContext) -> None:
    config = {
        "method": "POST",
        "url": peer.url + "/echo?a=1",
        "query": {"b": ["x", "y"], "c": None, "d": True, "e": "{{ payload.n }}"},
        "headers": {"X-Text": "{{ payload.name }}", "X-Number": 5, "X-None": None},
        "body": {"content": "{{ payload.name }} scored {{ payload.n }}", "n": "{{ payload.n }}"},
    }
    output = await send(ctx, config, payload={"name": "Ada", "n": 90})
    assert output["status"] == 200
    assert output["headers"]["x-two"] == "1"
    assert output["headers"]["content-type"].startswith("application/json")
    assert output["body"] == {
        "method": "POST",
        "query": [["a", "1"], ["b", "x"], ["b", "y"], ["d", "true"], ["e", "90"]],
        "body": '{"content":"Ada scored 90","n":90}',
    }
    headers = peer.seen[0]["headers"]
    assert (headers["X-Text"], headers["X-Number"], headers["Idempotency-Key"]) == ("Ada", "5", "key-of-the-step")
    assert headers["Content-Type"] == "application/json"
    assert "X-None" not in headers
    assert "Authorization" not in headers


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_methods(peer: Peer, ctx: RecordingContext, method: str) -> None:
    assert (await send(ctx, {"method": method, "url": peer.url + "/echo"}))["body"] == {"method": method, "query": [], "body": ""}


async def test_head_has_no_body(peer: Peer, ctx: RecordingContext) -> None:
    assert (await send(ctx, {"method": "HEAD", "url": peer.url + "/echo"}))["body"] is None


async def test_an_own_idempotency_key_is_kept(peer: Peer, ctx: RecordingContext) -> None:
    await send(ctx, {"url": peer.url + "/echo", "headers": {"idempotency-key": "mine"}})
    assert peer.seen[0]["headers"].getall("Idempotency-Key") == ["mine"]


@pytest.mark.parametrize(
    ("config", "sent", "kind"),
    [
        ({"body": {"a": "x y", "b": [1, 2]}, "body_format": "form"}, b"a=x+y&b=1&b=2", "application/x-www-form-urlencoded"),
        ({"body": "<a/>", "body_format": "raw", "headers": {"content-type": "text/xml"}}, b"<a/>", "text/xml"),
        ({"body": "é", "body_format": "raw"}, "é".encode(), "text/plain; charset=utf-8"),
        ({"body": [1, None]}, b"[1,null]", "application/json"),
        ({"body": False}, b"false", "application/json"),
    ],
)
async def test_formats_of_the_body(peer: Peer, ctx: RecordingContext, config: dict[str, Any], sent: bytes, kind: str) -> None:
    await send(ctx, {"method": "POST", "url": peer.url + "/echo", **config})
    assert (peer.seen[0]["body"], peer.seen[0]["headers"]["Content-Type"]) == (sent, kind)


async def test_multipart_with_a_file(peer: Peer, ctx: RecordingContext) -> None:
    body = {
        "title": "Plan",
        "n": 5,
        "none": None,
        "file": {"filename": "a.txt", "content": "{{ payload.text }}", "content_type": "text/plain"},
        "bytes": {"content": base64.b64encode(b"\xff\x00").decode(), "base64": True},
    }
    output = await send(
        ctx, {"method": "POST", "url": peer.url + "/multipart", "body": body, "body_format": "multipart"}, payload={"text": "hi"}
    )
    assert [part[:2] + part[3:] for part in output["body"]] == [
        ["title", None, "Plan"],
        ["n", None, "5"],
        ["file", "a.txt", "hi"],
        ["bytes", "bytes", "\xff\x00"],
    ]
    assert output["body"][2][2] == "text/plain"


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"body": [1], "body_format": "form"}, "is an object"),
        ({"body": {"a": 1}, "body_format": "raw"}, "is a text"),
        ({"body": {"f": {"content": "?", "base64": True}}, "body_format": "multipart"}, "is not base64"),
        ({"headers": {"Host": "evil"}}, "Host is set by the client"),
        ({"headers": {"X-A": "1\r\nX-B: 2"}}, "not one line of text"),
        ({"url": "ftp://example.com"}, "http://"),
        ({"url": "http://user:canary@example.com/"}, "a user name or a password"),
        ({"url": "nonsense"}, "http://"),
    ],
)
async def test_a_request_that_can_not_be_sent(peer: Peer, ctx: RecordingContext, config: dict[str, Any], said: str) -> None:
    failed = await failure(ctx, {"method": "POST", "url": peer.url + "/echo", **config})
    assert said in failed.message
    assert "canary" not in failed.message
    assert not failed.retryable
    assert not failed.outcome_unknown
    assert peer.seen == []


@pytest.mark.parametrize(
    ("type", "body", "how", "read"),
    [
        ("application/json", b'{"a": 1}', "auto", {"a": 1}),
        ("application/problem+json; charset=utf-8", b"[1]", "auto", [1]),
        ("application/json", b'{"a": 1}', "text", '{"a": 1}'),
        ("text/html", b"{}", "auto", "{}"),
        ("text/html", b'{"a": 1}', "json", {"a": 1}),
        ("text/plain; charset=latin-1", b"\xe9", "auto", "é"),
        ("application/json", b"", "auto", None),
        ("", b"plain", "auto", "plain"),
        ("image/png", b"\x89PNG\xff", "auto", {"content_type": "image/png", "base64": "iVBOR/8="}),
    ],
)
async def test_reading_the_answer(peer: Peer, ctx: RecordingContext, type: str, body: bytes, how: str, read: Any) -> None:
    query = {"type": type, "body": base64.b64encode(body).decode()}
    assert (await send(ctx, {"url": peer.url + "/typed", "query": query, "response": how}))["body"] == read


async def test_an_answer_that_is_not_the_json_it_says(peer: Peer, ctx: RecordingContext) -> None:
    query = {"type": "application/json", "body": base64.b64encode(b"<html>oops").decode()}
    failed = await failure(ctx, {"url": peer.url + "/typed", "query": query})
    assert "is not JSON: <html>oops" in failed.message
    assert "as text" in failed.hint


@pytest.mark.parametrize(
    ("status", "retryable", "hint"),
    [
        (400, False, "expects"),
        (401, False, "credential"),
        (404, False, "URL"),
        (418, False, "expects"),
        (429, True, "fewer calls"),
        (500, True, "Try later"),
        (503, True, "Try later"),
        (304, False, "successes"),
    ],
)
async def test_any_other_status_is_a_failure_that_names_it(
    peer: Peer, ctx: RecordingContext, status: int, retryable: bool, hint: str
) -> None:
    failed = await failure(ctx, {"url": f"{peer.url}/status/{status}", "query": {"body": "no such order", "key": "canary"}})
    assert f"answered {status} " in failed.message
    assert status == 304 or "no such order" in failed.message
    assert "canary" not in failed.message
    assert failed.type == f"HTTP {status}"
    assert failed.retryable is retryable
    assert not failed.outcome_unknown
    assert hint in failed.hint


async def test_a_long_answer_is_cut_in_the_message(peer: Peer, ctx: RecordingContext) -> None:
    failed = await failure(ctx, {"url": f"{peer.url}/status/500", "query": {"body": "x" * 2000}})
    assert len(failed.message) < 500


async def test_success_statuses_may_be_named(peer: Peer, ctx: RecordingContext) -> None:
    for success, status in ((["2xx", "404"], 404), (["4xx"], 404), (["204"], 204)):
        assert (await send(ctx, {"url": f"{peer.url}/status/{status}", "success": success}))["status"] == status
    await failure(ctx, {"url": f"{peer.url}/status/200", "success": ["201"]})
    assert "success" in (await failure(ctx, {"url": peer.url, "success": ["ok"]})).message


@pytest.mark.parametrize(
    ("status", "header", "wait"),
    [
        (429, "7", 7.0),
        (503, "Thu, 01 Jan 2026 12:01:30 GMT", 90.0),
        (429, "Thu, 01 Jan 2026 11:00:00 GMT", 0.0),
        (429, "99999999999", 86_400.0),
        (429, "soon", None),
        (404, "7", None),
    ],
)
async def test_retry_after_is_honoured(peer: Peer, ctx: RecordingContext, status: int, header: str, wait: float | None) -> None:
    failed = await failure(ctx, {"url": f"{peer.url}/status/{status}", "query": {"Retry-After": header}})
    assert failed.retry_after_s == wait
    assert [seconds for _, seconds in ctx.slowed_down] == ([wait] if status == 429 and wait else []), "others keep away as well"


async def test_every_call_takes_its_turn(peer: Peer, ctx: RecordingContext) -> None:
    await send(ctx, {"url": peer.url + "/status/200", "rate": {"requests": 5}})
    await send(ctx, {"url": peer.url + "/status/200"})
    assert ctx.turns == [("127.0.0.1", RateLimit(requests=5, per_s=1)), ("127.0.0.1", None)]


async def test_a_server_that_hangs(peer: Peer, ctx: RecordingContext) -> None:
    failed = await failure(ctx, {"method": "POST", "url": peer.url + "/hang", "timeout_s": 0.2})
    assert "took longer than 0.2 s" in failed.message
    assert "Raise “Time limit (seconds)”" in failed.hint, "as the form calls it"
    assert failed.retryable
    assert failed.outcome_unknown


async def test_cancelling_aborts_the_call(peer: Peer, ctx: RecordingContext) -> None:
    running = asyncio.create_task(send(ctx, {"url": peer.url + "/hang"}))
    await asyncio.wait_for(peer.hanging.wait(), 10)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await asyncio.wait_for(peer.hung_up.wait(), 10)


async def test_a_connection_that_breaks_may_have_been_heard(peer: Peer, ctx: RecordingContext) -> None:
    failed = await failure(ctx, {"method": "POST", "url": peer.url + "/cut"})
    assert failed.retryable
    assert failed.outcome_unknown


async def test_a_refused_connection_was_not_heard(ctx: RecordingContext) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        failed = await failure(ctx, {"url": f"http://127.0.0.1:{unused.getsockname()[1]}/"})
    assert "can't be reached" in failed.message
    assert failed.retryable
    assert not failed.outcome_unknown


async def test_redirects_are_followed_or_told_of(peer: Peer, ctx: RecordingContext) -> None:
    config = {"method": "POST", "url": peer.url + "/redirect", "query": {"to": "/echo"}, "body": {"a": 1}}
    assert (await send(ctx, config))["body"]["body"] == '{"a":1}'
    failed = await failure(ctx, config | {"follow_redirects": False})
    assert "answered 307" in failed.message
    assert "follow redirects" in failed.hint
    endless = await failure(ctx, {"url": peer.url + "/redirect"})
    assert "more than 5 times" in endless.message
    assert endless.retryable is False


@pytest.mark.parametrize(
    ("kind", "data", "header", "value"),
    [
        ("bearer", {"token": "t0ken"}, "Authorization", "Bearer t0ken"),
        ("basic", {"username": "ü", "password": "p:w"}, "Authorization", "Basic " + base64.b64encode("ü:p:w".encode()).decode()),
        ("header", {"name": "X-Api-Key", "value": "k"}, "X-Api-Key", "k"),
    ],
)
async def test_credentials_are_sent_and_stay_with_their_origin(
    peer: Peer, other: Peer, ctx: RecordingContext, kind: str, data: dict[str, str], header: str, value: str
) -> None:
    ctx.secrets[KEY] = Secret(type=kind, data=data, allowed_hosts=["127.0.0.1"])
    config = {"url": peer.url + "/echo", "credential": str(KEY), "headers": {header.lower(): "mine"}}
    await send(ctx, config)
    assert peer.seen[0]["headers"].getall(header) == [value]
    await send(ctx, config | {"url": peer.url + "/redirect", "query": {"to": other.url + "/echo"}})
    assert header not in other.seen[0]["headers"]


async def test_a_credential_goes_to_its_hosts_only(peer: Peer, ctx: RecordingContext) -> None:
    ctx.secrets[KEY] = Secret(type="bearer", data={"token": "canary"}, allowed_hosts=["api.example.com"])
    for url in (peer.url + "/echo", "http://api.example.com@127.0.0.1/", "http://127.0.0.1\\@api.example.com/", "nonsense"):
        failed = await failure(ctx, {"url": url, "credential": str(KEY)})
        assert isinstance(failed, CredentialRefused)
        assert "canary" not in failed.message
    assert peer.seen == []


async def test_the_inside_is_closed_by_default(peer: Peer) -> None:
    async with OutboundClient(Policy()) as client:
        failed = await failure(RecordingContext(client=client), {"url": peer.url + "/echo"})
    assert failed.type == "BlockedAddress"
    assert not failed.retryable
    assert peer.seen == []


def test_a_call_that_may_not_be_repeated_is_unsafe() -> None:
    node = HttpRequest()
    for rerun, effect in ((True, "idempotent"), (False, "unsafe")):
        assert node.effect_of(template_of(node, {"url": "https://example.com", "rerun": rerun}).render(Scope())) == effect


async def test_a_secret_is_tried_out_at_the_address_of_its_owners_choice(ctx: RecordingContext, peer: Peer) -> None:
    good = Header(name="X-Key", value="sesame", test_url=f"{peer.url}/echo")
    assert await good.test(ctx) == "127.0.0.1 takes it: 200 OK."
    assert peer.seen[-1]["headers"]["X-Key"] == "sesame"
    for status, said in (("401", "does not take it: 401 Unauthorized."), ("404", "answered 404 Not Found.")):
        with pytest.raises(NodeError, match=said):
            await Bearer(token="canary", test_url=f"{peer.url}/status/{status}").test(ctx)
    with pytest.raises(NodeError, match="no address for the test"):
        await Basic(username="u", password="canary").test(ctx)
    good.bind(["api.example.com"])
    with pytest.raises(CredentialRefused, match=r"127\.0\.0\.1"):
        await good.test(ctx)
