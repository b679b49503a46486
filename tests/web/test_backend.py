"""The way to the backend: errors as sentences, and streams of events."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import web as server

from tests.web.conftest import answering
from trestle.contracts.problems import FieldError, Problem
from web.backend import ApiError, Backend, ServerEvent, Unreachable, parse_events, problem_of, readable


def test_a_problem_reads_as_what_to_do_and_where() -> None:
    problem = Problem(
        title="Unprocessable",
        status=422,
        detail="The workflow can't be published.",
        errors=[FieldError(loc=["config", "url"], node="tell", message="is required"), FieldError(message="There is a cycle.")],
    )
    assert readable(problem) == "The workflow can't be published.\ntell · config.url: is required\nThere is a cycle."
    once = Problem(title="Unprocessable", status=422, detail="name: is too long", errors=[FieldError(loc=["name"], message="is too long")])
    assert readable(once) == "name: is too long"


@pytest.mark.parametrize(
    ("content_type", "body", "said"),
    [
        (
            "application/problem+json",
            b'{"title": "Gone", "status": 404, "detail": "There is no such workflow."}',
            "There is no such workflow.",
        ),
        ("application/json", b'{"error": "x"}', "HTTP 502"),
        ("text/html", b"<h1>Bad gateway</h1>", "status 502"),
        ("application/json", b"{", "status 502"),
        ("application/json", b"[]", "status 502"),
    ],
)
def test_an_answer_without_a_problem_still_says_something(content_type: str, body: bytes, said: str) -> None:
    assert said in readable(problem_of(502, content_type, body))


async def test_events_come_apart_where_they_end() -> None:
    async def lines() -> AsyncIterator[bytes]:
        for line in (b": hello", b"", b"id: 7", b"event: step", b'data: {"a":', b"data: 1}", b"", b"data: 2\r", b"\r", b"data: 3"):
            yield line + b"\n"

    found = [event async for event in parse_events(lines())]
    assert found == [ServerEvent("7", "step", {"a": 1}), ServerEvent("7", "message", 2)]


async def test_a_stream_of_a_large_event_arrives_whole() -> None:
    large = "x" * 300_000

    async def stream(request: server.Request) -> server.StreamResponse:
        assert request.headers["Last-Event-ID"] == "4"
        response = server.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b'id: 5\nevent: step\ndata: "' + large.encode() + b'"\n')
        await response.write(b"\n")
        return response

    async with answering(stream) as url:
        backend = Backend(url)
        events = [event async for event in backend.events("/executions/1/events", token="t", last_event_id="4")]
        await backend.close()
    assert events == [ServerEvent("5", "step", large)]


async def test_a_refusal_is_an_error_and_silence_another() -> None:
    def refuse(request: server.Request) -> server.Response:
        return server.json_response(
            {"title": "Conflict", "status": 409, "detail": "It is in use."}, status=409, content_type="application/problem+json"
        )

    async with answering(refuse) as url:
        backend = Backend(url)
        with pytest.raises(ApiError, match="It is in use") as caught:
            await backend.call("DELETE", "/credentials/1", token="t")
        assert caught.value.status == 409
        await backend.close()
    silent = Backend(url)
    with pytest.raises(Unreachable, match="does not answer"):
        await silent.call("GET", "/workflows", token="t")
    await silent.close()
