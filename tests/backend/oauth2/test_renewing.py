"""OAuth2 tokens against a real provider: renewed once, whoever asks, whatever is lost; and no others than were asked for."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from backend.app import create_app
from backend.credentials.oauth2 import lending
from backend.credentials.oauth2.client import Client
from backend.credentials.oauth2.tokens import Place
from backend.errors import Conflict, FailedDependency
from backend.services import Services
from backend.settings import Settings
from tests.backend.conftest import running
from tests.backend.oauth2.kit import CALLBACK, age, begin, come_back, connected, lend
from tests.backend.people import Person
from tests.provider import Provider, provider
from trestle.contracts.jobs import Secret


async def held_up(service: Provider, services: Services, credential: dict[str, Any]) -> tuple[asyncio.Task[Secret], asyncio.Event]:
    """A renewal whose answer the provider gives when the event is set, and nobody else's."""
    calls, gate = len(service.forms), asyncio.Event()
    service.gate = gate
    under_way = asyncio.create_task(lend(services, credential))
    async with asyncio.timeout(9):
        while len(service.forms) == calls:
            await asyncio.sleep(0.01)
    service.gate = None
    return under_way, gate


@pytest.mark.parametrize("how", ["basic", "body"])
async def test_twenty_steps_on_two_backends_renew_once(
    ada: Person, service: Provider, services: Services, settings: Settings, how: str
) -> None:
    made = await connected(ada, service, client_auth=how)
    first = await lend(services, made)
    await age(services, made)
    service.slow_s = 0.3
    second = create_app(settings)
    async with running(second):
        asked = [lend(one, made) for one in (services, second.state.services) for _ in range(10)]
        lent = await asyncio.gather(*asked)
        assert service.asked_for("refresh_token") == 1
        assert {one.data["access_token"] for one in lent} == {lent[0].data["access_token"]} != {first.data["access_token"]}
        # A service takes it no more: all of them ask for another one.
        await age(services, made)
        await services.database.hot.execute("update oauth2_grants set expires_at = now() + interval '1 hour'")
        asked = [lend(one, made, lent[0].version) for one in (services, second.state.services) for _ in range(10)]
        again = await asyncio.gather(*asked)
        assert service.asked_for("refresh_token") == 2
        assert len({one.data["access_token"] for one in (*lent, *again)}) == 2
        with pytest.raises(Conflict, match="only just new"):
            await lend(services, made, again[0].version)
        assert service.asked_for("refresh_token") == 2


async def test_a_provider_that_is_away_or_slow_is_asked_again_later(
    ada: Person, service: Provider, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await connected(ada, service)
    await age(services, made)
    service.away, service.gate = True, asyncio.Event()
    joined, renewal = 0, services.lender._renewal

    def join(*given: Any) -> Any:
        nonlocal joined
        joined += 1
        if joined == 10 and service.gate is not None:
            service.gate.set()
        return renewal(*given)

    monkeypatch.setattr(services.lender, "_renewal", join)
    failed = await asyncio.gather(*(lend(services, made) for _ in range(10)), return_exceptions=True)
    assert {type(one) for one in failed} == {FailedDependency}
    assert service.asked_for("refresh_token") == 1, "those who waited share the failure"
    assert (await ada.get(f"/credentials/{made['id']}"))["connected"] is True
    service.away, service.gate, service.slow_s = False, None, 1
    monkeypatch.setattr(lending, "WITHIN_S", 0.2)
    with pytest.raises(FailedDependency, match="too long"):
        await lend(services, made)
    monkeypatch.undo()
    lent = await lend(services, made)
    assert lent.data["access_token"] in service.given
    assert service.asked_for("refresh_token") == 2, "what took too long went on, and was kept"


async def test_a_lost_answer_and_a_withdrawn_consent_ask_for_people(ada: Person, service: Provider, services: Services) -> None:
    made = await connected(ada, service)
    await age(services, made)
    service.loses = True
    with pytest.raises(FailedDependency):
        await lend(services, made)
    service.loses = False
    with pytest.raises(Conflict, match=r"lost on its way.*connect it again"):
        await lend(services, made)
    shown = await ada.get(f"/credentials/{made['id']}")
    assert (shown["connected"], "lost on its way" in shown["problem"]) == (False, True)
    calls = len(service.forms)
    with pytest.raises(Conflict, match="connect it again"):
        await lend(services, made)
    assert len(service.forms) == calls, "nobody asks in vain"
    assert (await ada.post(f"/credentials/{made['id']}/test", expect=200))["ok"] is False

    page = await come_back(ada.client, await service.consent(await begin(ada, made)))
    assert page.status_code == 200
    assert (await ada.get(f"/credentials/{made['id']}"))["problem"] is None
    service.forget()
    await age(services, made)
    with pytest.raises(Conflict, match=r"invalid_grant.*connect it again") as refused:
        await lend(services, made)
    assert "lost" not in refused.value.detail


async def test_a_backend_that_died_while_it_renewed_holds_nobody_up_for_ever(ada: Person, service: Provider, services: Services) -> None:
    made = await connected(ada, service)
    await age(services, made)
    hot = services.database.hot
    await hot.execute("update oauth2_grants set renewing_until = now() + interval '0.5 seconds' where credential_id = $1", UUID(made["id"]))
    assert (await lend(services, made)).data["access_token"] in service.given
    assert service.asked_for("refresh_token") == 1
    assert await hot.fetchval(
        "select renewing_until is null and not doubtful from oauth2_grants where credential_id = $1", UUID(made["id"])
    )


async def test_a_client_gets_tokens_by_itself(ada: Person, service: Provider, services: Services) -> None:
    body = service.credential(grant="client_credentials", authorization_url=None, audience="https://api.example.com", scopes="read")
    assert (await ada.post("/credentials/test", expect=200, json={"type": "oauth2", "data": body["data"]}))["ok"] is True
    made = await ada.post("/credentials", json=body)
    lent = await asyncio.gather(*(lend(services, made) for _ in range(5)))
    assert service.asked_for("client_credentials") == 2
    assert service.forms[-1]["audience"] == "https://api.example.com"
    assert len({one.data["access_token"] for one in lent}) == 1
    assert (await ada.get(f"/credentials/{made['id']}"))["connected"] is True
    await age(services, made)
    await lend(services, made)
    assert service.asked_for("client_credentials") == 3
    await ada.post("/credentials", expect=422, json=service.credential(grant="client_credentials", client_secret=None))
    await ada.post("/credentials", expect=422, json=service.credential(authorization_url=None))


async def test_a_client_that_was_changed_gets_new_tokens(ada: Person, service: Provider, services: Services) -> None:
    made = await ada.post("/credentials", json=service.credential(grant="client_credentials", authorization_url=None, scopes="read"))
    path = f"/credentials/{made['id']}"
    first = await lend(services, made)
    await ada.call("PATCH", path, json={"name": "Another name"})
    assert await lend(services, made) == first
    await age(services, made)
    under_way, gate = await held_up(service, services, made)
    await ada.call("PATCH", path, json={"data": {"scopes": "write"}})
    gate.set()
    with pytest.raises(FailedDependency, match="changed just now"):
        await under_way
    new = await lend(services, made)
    assert (service.forms[-1]["scope"], new.data != first.data) == ("write", True)


async def test_a_renewal_that_still_runs_does_not_replace_what_was_connected_anew(
    ada: Person, service: Provider, services: Services
) -> None:
    made = await connected(ada, service)
    await age(services, made)
    under_way, gate = await held_up(service, services, made)
    await ada.post(f"/credentials/{made['id']}/disconnect", expect=200)
    assert (await come_back(ada.client, await service.consent(await begin(ada, made)))).status_code == 200
    new = await lend(services, made)
    gate.set()
    assert (await under_way).data == new.data == (await lend(services, made)).data
    assert service.asked_for("refresh_token") == 1


async def test_without_a_refresh_token_it_is_good_until_it_is_refused(ada: Person, services: Services, settings: Settings) -> None:
    async with provider(redirect_url=settings.base_url + CALLBACK, lifetime_s=None) as github:
        made = await connected(ada, github)
        assert (made["connected"], made["expires_at"]) == (True, None)
        lent = await lend(services, made)
        said = await ada.post(f"/credentials/{made['id']}/test", expect=200)
        assert (said["ok"], "until it is withdrawn" in said["message"]) == (True, True)
        await services.database.hot.execute("update oauth2_grants set renewed_at = now() - interval '1 hour'")
        with pytest.raises(Conflict, match="no refresh token"):
            await lend(services, made, lent.version)


async def test_another_client_or_provider_forgets_the_tokens(ada: Person, service: Provider, services: Services) -> None:
    made = await connected(ada, service)
    path = f"/credentials/{made['id']}"
    kept = await ada.patch(path, json={"name": "New", "data": {"client_secret": "new", "scopes": "read", "grant": "authorization_code"}})
    assert kept["connected"] is True
    tokens = "select count(*) from oauth2_grants where credential_id = $1 and ciphertext is not null"
    moved = await ada.patch(path, json={"data": {"token_url": "https://evil.example/token"}})
    assert moved["connected"] is False
    assert await services.database.hot.fetchval(tokens, UUID(made["id"])) == 0


async def test_tokens_of_another_row_do_not_open(ada: Person, service: Provider, services: Services) -> None:
    one, two = await connected(ada, service), await connected(ada, service)
    await services.database.hot.execute(
        "update oauth2_grants a set ciphertext = b.ciphertext from oauth2_grants b where a.credential_id = $1 and b.credential_id = $2",
        UUID(one["id"]),
        UUID(two["id"]),
    )
    with pytest.raises(Conflict, match="connect it again"):
        await lend(services, one)
    await services.lender.lend(Place(UUID(two["project_id"]), UUID(two["id"])), Client(token_url="", client_id=""))
