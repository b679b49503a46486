"""`http.request` with an OAuth2 credential: a token that the service takes no more is followed by another one, once."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from executor.errors import NodeError
from executor.nodes.network.http_request import HttpRequest
from executor.testing import RecordingContext, run_node
from tests.provider import Provider, provider
from trestle.contracts.jobs import Secret
from trestle.outbound import OutboundClient, Policy

KEY = UUID("0190e2a0-0000-7000-8000-000000000001")


def token(text: str, version: int, **more: Any) -> Secret:
    """What the backend lends."""
    return Secret(type="oauth2", data={"access_token": text}, version=version, **more)


@pytest.fixture
async def service() -> AsyncIterator[Provider]:
    """A service that takes the token "fresh"."""
    async with provider() as made:
        made._access["fresh"] = float("inf")
        yield made


@pytest.fixture
async def ctx() -> AsyncIterator[RecordingContext]:
    """A context whose client may reach this machine."""
    async with OutboundClient(Policy.parse("127.0.0.0/8")) as client:
        yield RecordingContext(client=client, secrets={KEY: token("stale", 1)})


async def call(service: Provider, ctx: RecordingContext, **config: Any) -> Any:
    """Runs the node."""
    config = {"method": "POST", "url": f"{service.url}/api/me", "body": {"a": 1}, "credential": str(KEY), **config}
    return await run_node(HttpRequest(), config, ctx=ctx)


async def test_a_refused_token_is_followed_by_another(service: Provider, ctx: RecordingContext) -> None:
    ctx.renewed[KEY] = token("fresh", 2)
    output = await call(service, ctx)
    assert (output["status"], output["body"]["seen"], service.refused_tokens) == (200, "fresh", 1)


async def test_a_second_refusal_is_the_end(service: Provider, ctx: RecordingContext) -> None:
    ctx.renewed[KEY] = token("stale too", 2)
    with pytest.raises(NodeError, match="401") as failed:
        await call(service, ctx)
    assert "refused a new token too" in failed.value.hint
    assert (failed.value.retryable, service.refused_tokens) == (False, 2)


async def test_where_it_can_not_be_renewed_the_hint_says_why(service: Provider, ctx: RecordingContext) -> None:
    with pytest.raises(NodeError, match="401") as failed:
        await call(service, ctx)
    assert "can't be renewed" in failed.value.hint
    assert service.refused_tokens == 1


async def test_a_401_that_is_wanted_is_an_answer(service: Provider, ctx: RecordingContext) -> None:
    ctx.renewed[KEY] = token("fresh", 2)
    assert (await call(service, ctx, success=["401"]))["status"] == 401
    assert KEY in ctx.renewed


async def test_it_goes_to_its_hosts_only(service: Provider, ctx: RecordingContext) -> None:
    ctx.secrets[KEY] = token("fresh", 1, allowed_hosts=["api.example.com"])
    with pytest.raises(NodeError, match="may not be sent to"):
        await call(service, ctx)
