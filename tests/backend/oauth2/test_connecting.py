"""OAuth2 credentials against a real provider: who may connect, what a state is good for, and what gets out."""

import asyncio
import json
from urllib.parse import parse_qs, urlencode, urlsplit
from uuid import UUID, uuid4

import pytest

from backend.errors import Conflict
from backend.security import PEOPLE
from backend.services import Services
from backend.settings import Settings
from backend.triggers.authentication import SCHEMES, NotSetUp
from backend.triggers.calls import Bucket
from backend.triggers.directory import Webhook
from tests.backend.oauth2.kit import CALLBACK, begin, come_back, lend
from tests.backend.people import Person
from tests.provider import ACCOUNT, CANARY, SECRET, Provider, provider


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
