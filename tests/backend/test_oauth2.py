"""OAuth2 credentials against a real provider: who may connect, what a state is good for, and how tokens are renewed."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit
from uuid import UUID, uuid4

import httpx
import pytest

from backend.app import create_app
from backend.credentials.oauth2 import lending
from backend.credentials.oauth2.client import Client
from backend.credentials.oauth2.tokens import Place
from backend.errors import Conflict, FailedDependency
from backend.security import PEOPLE
from backend.services import Services
from backend.settings import Settings
from backend.triggers.authentication import SCHEMES, NotSetUp
from backend.triggers.calls import Bucket
from backend.triggers.directory import Webhook
from tests.backend.conftest import running
from tests.backend.people import Person
from tests.provider import ACCOUNT, CANARY, SECRET, Provider, provider
from trestle.contracts.jobs import Secret

CALLBACK = "/api/v1/credentials/oauth2/callback"


@pytest.fixture(scope="module")
def settings(postgres_url: str, redis_url: str, keys: dict[str, str]) -> Settings:
    """A backend that may call this machine, but for its own servers."""
    given: dict[str, Any] = {"DATABASE_URL": postgres_url, "REDIS_URL": redis_url, **keys, "TRESTLE_ALLOW_CIDRS": "127.0.0.0/8"}
    return Settings(**given, TRESTLE_OPEN_REGISTRATION=True, TRESTLE_BCRYPT_ROUNDS=4)


@pytest.fixture
async def service(settings: Settings) -> AsyncIterator[Provider]:
    """A provider that knows this instance."""
    async with provider(redirect_url=settings.base_url + CALLBACK) as made:
        yield made


async def begin(person: Person, credential: dict[str, Any]) -> str:
    """The address to which a person is sent."""
    answer = await person.get(f"/credentials/oauth2/authorize?credential_id={credential['id']}")
    assert answer["redirect_url"].endswith(CALLBACK)
    return str(answer["url"])


async def come_back(client: httpx.AsyncClient, location: str) -> httpx.Response:
    """The browser follows the provider's redirect: without any token of ours."""
    parts = urlsplit(location)
    return await client.get(f"{parts.path}?{parts.query}")


async def connected(person: Person, service: Provider, **data: Any) -> dict[str, Any]:
    """A credential that is connected."""
    made = await person.post("/credentials", json=service.credential(**data))
    page = await come_back(person.client, await service.consent(await begin(person, made)))
    assert page.status_code == 200, page.text
    return dict(await person.get(f"/credentials/{made['id']}"))


async def lend(services: Services, credential: dict[str, Any], refused: int | None = None) -> Secret:
    """What a step gets."""
    return await services.internal._reveal(UUID(credential["project_id"]), UUID(credential["id"]), refused)  # what the executors' call asks


async def age(services: Services, credential: dict[str, Any]) -> None:
    """As if an hour had gone by."""
    before = "now() - interval '1 hour'"
    moved = f"update oauth2_grants set expires_at = {before}, renewed_at = {before} where credential_id = $1"
    await services.database.hot.execute(moved, UUID(credential["id"]))


async def test_a_person_connects_it_and_a_step_gets_the_token(ada: Person, service: Provider, services: Services) -> None:
    made = await ada.post("/credentials", json=service.credential(extra="access_type=offline&state=mine&code_challenge_method=plain"))
    assert (made["connected"], made["expires_at"], made["account"]) == (False, None, None)
    with pytest.raises(Conflict, match="press Connect"):
        await lend(services, made)
    url = await begin(ada, made)
    asked = parse_qs(urlsplit(url).query)
    assert (asked["code_challenge_method"], asked["access_type"]) == (["S256"], ["offline"])
    assert asked["state"] != ["mine"]
    page = await come_back(ada.client, await service.consent(url))
    assert page.status_code == 200
    assert ACCOUNT in page.text
    assert "postMessage" in page.text
    assert "script-src 'sha256-" in page.headers["content-security-policy"]
    shown = await ada.get(f"/credentials/{made['id']}")
    assert (shown["connected"], shown["account"], shown["problem"]) == (True, ACCOUNT, None)
    assert shown["expires_at"]
    lent = await lend(services, made)
    assert set(lent.data) == {"access_token"}, "nothing of the client"
    assert lent.data["access_token"] in service.given
    tested = await ada.post(f"/credentials/{made['id']}/test", expect=200)
    assert (tested["ok"], service.asked_for("refresh_token")) == (True, 1)
    tables = "select tablename from pg_tables where schemaname = 'public'"
    hot = services.database.hot
    for table in [row["tablename"] for row in await hot.fetch(tables)]:
        for secret in (CANARY, SECRET):
            found = f"select count(*) from {table} t where t::text like '%{secret}%' or t::text like '%{secret.encode().hex()}%'"
            assert not await hot.fetchval(found), (table, secret)
    everything = [shown, await ada.get("/credentials"), page.text]
    assert CANARY not in json.dumps(everything)
    await services.database.hot.execute("update users set role = 'owner' where id = $1", ada.id)
    audit = await ada.get(f"/audit?user_id={ada.id}&action=credential")
    done = [entry for entry in audit["items"] if entry["action"] == "credential.connected"]
    assert [entry["details"] for entry in done] == [{"account": ACCOUNT}]
    await services.database.hot.execute("update users set role = 'member' where id = $1", ada.id)
    await ada.post(f"/credentials/{made['id']}/disconnect", expect=200)
    assert (await ada.get(f"/credentials/{made['id']}"))["connected"] is False
    with pytest.raises(Conflict, match="press Connect"):
        await lend(services, made)


async def test_a_webhook_that_names_one_lets_nobody_in_and_asks_no_provider(ada: Person, service: Provider, services: Services) -> None:
    # Nobody can choose it in the editor; what calls in must have a call out made for it under no circumstances.
    made = await ada.post("/credentials", json=service.credential(grant="client_credentials", authorization_url=None))
    for kind in SCHEMES:
        auth = {"kind": kind, "credential": made["id"]}
        hook = Webhook(uuid4(), uuid4(), UUID(made["project_id"]), "hook", {}, auth, plain=False, bucket=Bucket(10))
        with pytest.raises(NotSetUp, match="This webhook needs"):
            await services.webhooks._gate.check(hook, [(b"authorization", b"Bearer x")], b"{}")
    assert service.asked_for("client_credentials") == 0
    assert (await lend(services, made)).data["access_token"] in service.given
    assert service.asked_for("client_credentials") == 1


async def test_who_may_not_connect(ada: Person, bob: Person, service: Provider) -> None:
    project = await ada.post("/projects", json={"name": "Shared"})
    made = await ada.post("/credentials", json={**service.credential(), "project_id": project["id"]})
    path = f"/credentials/oauth2/authorize?credential_id={made['id']}"
    await bob.get(path, expect=404)
    await ada.call("PUT", f"/projects/{project['id']}/members/{bob.id}", json={"role": "operator"})
    await bob.get(path, expect=403)
    await bob.post(f"/credentials/{made['id']}/disconnect", expect=403)
    assert (await ada.client.get("/api/v1" + path)).status_code == 401
    other = await ada.post("/credentials", json={"name": "C", "type": "bearer", "data": {"token": "x"}})
    await ada.get(f"/credentials/oauth2/authorize?credential_id={other['id']}", expect=422)
    itself = await ada.post("/credentials", json=service.credential(grant="client_credentials", authorization_url=None))
    assert "by itself" in (await ada.get(f"/credentials/oauth2/authorize?credential_id={itself['id']}", expect=422))["detail"]


async def test_a_state_is_good_for_one_use_for_ten_minutes_and_for_who_began(
    ada: Person, bob: Person, service: Provider, services: Services
) -> None:
    project = await ada.post("/projects", json={"name": "Shared"})
    made = await ada.post("/credentials", json={**service.credential(), "project_id": project["id"]})
    location = await service.consent(await begin(ada, made))
    state = parse_qs(urlsplit(location).query)["state"][0]
    both = await asyncio.gather(come_back(ada.client, location), come_back(ada.client, location))
    assert sorted(page.status_code for page in both) == [200, 410], "of two at the same time, one counts"
    replayed = await come_back(ada.client, location)
    assert (replayed.status_code, "used already" in replayed.text) == (410, True)

    head, body, signature = state.split(".")
    forged = [
        f"{head}.{body}.{signature[::-1]}",
        services.tokens.issue(ada.id, PEOPLE, 600),
        services.tokens.issue("not-an-id", "trestle-oauth2", 600),
        "",
        "nonsense",
        "\x00",
    ]
    for one in forged:
        page = await come_back(ada.client, f"http://x{CALLBACK}?{urlencode({'state': one, 'code': 'c'})}")
        assert (page.status_code, "did not begin here" in page.text) == (400, True), one

    late = await service.consent(await begin(ada, made))
    await services.database.hot.execute("update oauth2_states set expires_at = now() - interval '1 second'")
    page = await come_back(ada.client, late)
    assert (page.status_code, "10 minutes" in page.text) == (410, True)

    await ada.call("PUT", f"/projects/{project['id']}/members/{bob.id}", json={"role": "editor"})
    theirs = await service.consent(await begin(bob, made))
    await ada.call("PUT", f"/projects/{project['id']}/members/{bob.id}", json={"role": "viewer"})
    page = await come_back(ada.client, theirs)
    assert (page.status_code, "may not change" in page.text) == (403, True)

    two = await begin(ada, made), await begin(ada, made)
    swapped = parse_qs(urlsplit(await service.consent(two[0])).query)["code"][0]
    other = parse_qs(urlsplit(two[1]).query)["state"][0]
    page = await come_back(ada.client, f"http://x{CALLBACK}?{urlencode({'state': other, 'code': swapped})}")
    assert (page.status_code, "invalid_grant" in page.text) == (400, True), "PKCE: the code is of another attempt"


async def test_what_the_provider_refuses_is_said_in_words(ada: Person, service: Provider) -> None:
    made = await ada.post("/credentials", json=service.credential())
    page = await come_back(ada.client, await service.consent(await begin(ada, made), "no"))
    assert page.status_code == 400
    assert "it was not allowed (access_denied). It says: No thanks." in page.text
    evil = await begin(ada, made)
    state = parse_qs(urlsplit(evil).query)["state"][0]
    said = urlencode({"state": state, "error": "<script>", "error_description": f"</script><script>alert(1)//{SECRET}"})
    page = await come_back(ada.client, f"http://x{CALLBACK}?{said}")
    assert "<script>alert" not in page.text
    assert SECRET not in page.text
    wrong = await ada.post("/credentials", json=service.credential(client_secret="wrong"))
    page = await come_back(ada.client, await service.consent(await begin(ada, wrong)))
    assert (page.status_code, "does not take the client ID and secret" in page.text) == (400, True)
    assert (await ada.get(f"/credentials/{wrong['id']}"))["connected"] is False


async def test_the_inside_is_closed_and_redirects_take_no_secret_along(ada: Person, service: Provider, settings: Settings) -> None:
    own = urlsplit(settings.dsn)
    for token_url in (
        f"http://127.0.0.1:{own.port}/token",
        "https://10.1.2.3/token",
        "https://[::ffff:169.254.169.254]/latest",
        "https://0/x",
    ):
        made = await ada.post("/credentials", json=service.credential(token_url=token_url))
        page = await come_back(ada.client, await service.consent(await begin(ada, made)))
        assert (page.status_code, "can't be called" in page.text) == (400, True), page.text
    async with provider() as thief:
        service.elsewhere = f"{thief.url}/token"
        made = await ada.post("/credentials", json=service.credential())
        page = await come_back(ada.client, await service.consent(await begin(ada, made)))
        assert (page.status_code, "307" in page.text, thief.forms) == (400, True, [])
    for wrong in ("http://example.com/token", "javascript:alert(1)", "file:///etc/passwd", "ftp://x", "https://x /"):
        refused = await ada.post("/credentials", expect=422, json=service.credential(token_url=wrong))
        assert wrong not in refused["detail"]
        assert "Token URL" in refused["detail"]
        await ada.post("/credentials", expect=422, json=service.credential(authorization_url=wrong))


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
    service.away, service.slow_s = True, 0.5
    failed = await asyncio.gather(*(lend(services, made) for _ in range(10)), return_exceptions=True)
    assert {type(one) for one in failed} == {FailedDependency}
    assert service.asked_for("refresh_token") == 1, "those who waited share the failure"
    assert (await ada.get(f"/credentials/{made['id']}"))["connected"] is True
    service.away, service.slow_s = False, 1
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
    service.slow_s = 0.6
    await age(services, made)
    under_way = asyncio.create_task(lend(services, made))
    await asyncio.sleep(0.2)
    service.slow_s = 0
    await ada.call("PATCH", path, json={"data": {"scopes": "write"}})
    with pytest.raises(FailedDependency, match="changed just now"):
        await under_way
    new = await lend(services, made)
    assert (service.forms[-1]["scope"], new.data != first.data) == ("write", True)


async def test_a_renewal_that_still_runs_does_not_replace_what_was_connected_anew(
    ada: Person, service: Provider, services: Services
) -> None:
    made = await connected(ada, service)
    await age(services, made)
    service.slow_s = 4  # time enough to connect it anew
    under_way = asyncio.create_task(lend(services, made))
    await asyncio.sleep(0.2)
    service.slow_s = 0
    await ada.post(f"/credentials/{made['id']}/disconnect", expect=200)
    assert (await come_back(ada.client, await service.consent(await begin(ada, made)))).status_code == 200
    new = await lend(services, made)
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
