"""Two-factor sign-in: what it takes, what it refuses, and who can take it away."""

import asyncio
import base64
import re
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import httpx
import pyotp
import pytest

from backend.errors import SecondFactorRequired, SecondFactorWrong, TooManyRequests, Unauthorised
from backend.services import Services
from backend.users import backoff, codes, second_factor, sessions
from tests.backend.people import PASSWORD, Person, sign_in, sign_up

REQUIRED, WRONG = "urn:trestle:second-factor-required", "urn:trestle:second-factor-wrong"

# RFC 6238, appendix B: time and the eight digits of SHA-1; six digits are the last six of them.
VECTORS = [
    (59, "94287082"),
    (1111111109, "07081804"),
    (1111111111, "14050471"),
    (1234567890, "89005924"),
    (2000000000, "69279037"),
    (20000000000, "65353130"),
]
RFC_SECRET = base64.b32encode(b"12345678901234567890").decode()


@pytest.mark.parametrize(("at", "code"), VECTORS)
def test_the_codes_are_those_of_the_standard_and_one_step_early_or_late_is_fine(at: int, code: str) -> None:
    short, step = code[2:], at // 30
    assert codes.matching_step(RFC_SECRET, short, at) == step
    assert codes.matching_step(RFC_SECRET, f"{short[:3]} {short[3:]}", at) == step
    assert [codes.matching_step(RFC_SECRET, short, at + 30 * steps) for steps in (-2, -1, 1, 2)] == [None, step, step, None]
    for wrong in ("", code, short[:-1], "000000", "é" * 6, "１２３４５６"):
        assert codes.matching_step(RFC_SECRET, wrong, at) is None


def test_secrets_and_recovery_codes_are_random_and_forgive_how_they_are_typed() -> None:
    made = codes.new_recovery_codes()
    assert len({*made, *codes.new_recovery_codes()}) == 20
    assert all(re.fullmatch(r"([0-9a-hjkmnp-tv-z]{4}-){3}[0-9a-hjkmnp-tv-z]{4}", code) for code in made)
    assert codes.recovery_hash("0oO1 iIlL-abcd") == codes.recovery_hash("00011111ABCD") != codes.recovery_hash("00011111abce")
    assert len(base64.b32decode(codes.new_secret())) == 20
    url = urlsplit(codes.otpauth_url(RFC_SECRET, "ada+x@example.com"))
    assert (url.scheme, url.netloc, unquote(url.path)) == ("otpauth", "totp", "/Trestle:ada+x@example.com")
    assert parse_qs(url.query) == {"secret": [RFC_SECRET], "issuer": ["Trestle"]}


NOW_S = 1_900_000_005


@pytest.fixture(autouse=True)
def stopped_clock(monkeypatch: pytest.MonkeyPatch, backoff_at_rest: None) -> None:
    """No step ends between making a code and sending it."""
    monkeypatch.setattr(second_factor, "time", SimpleNamespace(time=lambda: NOW_S))


def shown(secret: str, step: int = 0) -> str:
    """What the app shows now, or so many steps later."""
    return str(pyotp.TOTP(secret).at(NOW_S, counter_offset=step))


async def enter(client: httpx.AsyncClient, who: Person, code: str, password: str = PASSWORD) -> tuple[int, str]:
    """Status and problem type of a log-in with a code."""
    form = {"username": who.email, "password": password, "totp_code": code}
    answer = await client.post("/api/v1/users/login", data=form)
    return answer.status_code, answer.json().get("type", "")


async def rewind(services: Services, who: Person) -> None:
    """As if it were later: no code has been taken and no attempt has failed."""
    await services.database.hot.execute("update second_factors set last_step = 0 where user_id = $1", who.id)
    await services.database.hot.execute("delete from login_failures where account = $1", who.email)


async def equip(who: Person) -> tuple[str, list[str]]:
    """Switches two-factor sign-in on, with the code of the step before: the secret, and the recovery codes."""
    secret = (await who.post("/users/me/totp", json={"current_password": PASSWORD}))["secret"]
    answer = await who.post(
        "/users/me/totp/verify", expect=200, json={"code": shown(secret, -1), "refresh_token": who.tokens["refresh_token"]}
    )
    return secret, answer["recovery_codes"]


async def test_setting_it_up_takes_the_password_and_a_code_and_ends_the_other_sessions(client: httpx.AsyncClient, ada: Person) -> None:
    other = (await sign_in(client, ada.email)).json()
    assert (await ada.get("/users/me"))["two_factor"] is False
    await ada.post("/users/me/totp/verify", expect=422, json={"code": "123456"})
    refused = await ada.post("/users/me/totp", expect=422, json={"current_password": "not this one"})
    assert refused["errors"][0]["loc"] == ["current_password"]

    first = await ada.post("/users/me/totp", json={"current_password": PASSWORD})
    second = await ada.post("/users/me/totp", json={"current_password": PASSWORD})
    assert first["secret"] != second["secret"] in second["otpauth_url"]
    assert (await sign_in(client, ada.email)).status_code == 200, "an offer does not count yet"
    for wrong in ("", "abc", shown(first["secret"]), shown(second["secret"], 3)):
        refused = await ada.post("/users/me/totp/verify", expect=422, json={"code": wrong})
        assert refused["errors"][0]["loc"] == ["code"]
    kept = {"refresh_token": ada.tokens["refresh_token"]}
    made = await ada.post("/users/me/totp/verify", expect=200, json={"code": shown(second["secret"]), **kept})
    assert len(made["recovery_codes"]) == 10
    assert (await ada.get("/users/me"))["two_factor"] is True
    assert await ada.get("/users/me/totp") == {"active": True, "recovery_codes_left": 10}
    assert (await client.post("/api/v1/users/refresh", json={"refresh_token": other["refresh_token"]})).status_code == 401
    assert (await client.post("/api/v1/users/refresh", json=kept)).status_code == 200
    await ada.post("/users/me/totp", expect=409, json={"current_password": PASSWORD})
    await ada.post("/users/me/totp/verify", expect=409, json={"code": shown(second["secret"], 1)})


async def test_signing_in_takes_both_and_tells_strangers_nothing(client: httpx.AsyncClient, ada: Person, services: Services) -> None:
    secret, _ = await equip(ada)
    asked = await sign_in(client, ada.email)
    assert (asked.status_code, asked.json()["type"]) == (401, REQUIRED)
    assert await enter(client, ada, " ") == (401, REQUIRED)
    assert await enter(client, ada, "abcdef") == (401, WRONG)
    assert await enter(client, ada, shown(secret, 4)) == (401, WRONG)

    # The same for a stranger, with a code and without, as before.
    nobody = Person(client, "", "nobody@example.com", {})
    answers = []
    for who, code in ((ada, ""), (ada, shown(secret)), (nobody, ""), (nobody, "123456")):
        form = {"username": who.email, "password": "a wrong one", **({"totp_code": code} if code else {})}
        answers.append((await client.post("/api/v1/users/login", data=form)).json())
    assert answers == [answers[0]] * 4
    assert answers[0]["type"] == "about:blank"
    await rewind(services, ada)
    assert (await enter(client, ada, shown(secret)))[0] == 200
    assert (
        await client.post("/api/v1/users/login", data={"username": ada.email, "password": "x", "totp_code": "1" * 65})
    ).status_code == 422


async def test_each_step_is_taken_once_at_whichever_backend(client: httpx.AsyncClient, ada: Person, services: Services) -> None:
    secret, _ = await equip(ada)
    assert await enter(client, ada, shown(secret, -1)) == (401, WRONG), "the code that switched it on"
    code = shown(secret)
    racing = await asyncio.gather(*(enter(client, ada, code) for _ in range(4)))
    assert sorted(racing) == [(200, ""), *[(401, WRONG)] * 3]
    assert await enter(client, ada, shown(secret, 1)) == (200, ""), "one step ahead"
    assert await enter(client, ada, shown(secret)) == (401, WRONG), "older than the newest that was taken"


async def test_wrong_codes_back_off_and_the_right_password_gives_no_more_tries(
    client: httpx.AsyncClient, ada: Person, services: Services
) -> None:
    secret, _ = await equip(ada)
    for _ in range(8):
        assert await enter(client, ada, "") == (401, REQUIRED), "half way is no failure"
    for _ in range(3):
        assert await enter(client, ada, "000000") == (401, WRONG)
        assert await enter(client, ada, "") == (401, REQUIRED)
    proof = {"current_password": PASSWORD, "code": "000000"}
    for _ in range(2):
        await ada.delete("/users/me/totp", expect=422, json=proof)
    assert (await enter(client, ada, shown(secret)))[0] == 429
    await ada.delete("/users/me/totp", expect=429, json={**proof, "code": shown(secret)})
    await ada.post("/users/me/password", expect=429, json={"current_password": PASSWORD, "new_password": PASSWORD})
    await rewind(services, ada)
    assert await enter(client, ada, shown(secret)) == (200, "")
    failures = await services.database.hot.fetchval("select count(*) from login_failures where account = $1", ada.email)
    assert failures == 0


async def test_who_has_many_addresses_has_no_more_tries_at_the_code(client: httpx.AsyncClient, ada: Person, services: Services) -> None:
    secret, _ = await equip(ada)
    for tried in range(5):
        with pytest.raises(SecondFactorWrong):
            await sessions.sign_in(services, ada.email, PASSWORD, f"198.51.100.{tried}", "000000")
    for code in ("000000", shown(secret)):
        with pytest.raises(TooManyRequests):
            await sessions.sign_in(services, ada.email, PASSWORD, f"203.0.113.{len(code)}", code)
    with pytest.raises(Unauthorised, match="address or the password"):
        await sessions.sign_in(services, ada.email, "not this one", "203.0.113.9")  # who knows nothing is told nothing of it
    await rewind(services, ada)
    assert (await enter(client, ada, shown(secret)))[0] == 200
    left = "select count(*) from login_failures where account = $1 and address = $2"
    assert await services.database.hot.fetchval(left, ada.email, backoff.ANYWHERE) == 0


async def test_many_attempts_at_once_are_counted_one_by_one_and_none_waits_for_another_s_connection(ada: Person) -> None:
    body = {"current_password": "not this one"}
    headers = {"Authorization": f"Bearer {ada.tokens['access_token']}"}
    async with asyncio.timeout(20):
        many = await asyncio.gather(*(ada.client.post("/api/v1/users/me/totp", json=body, headers=headers) for _ in range(30)))
    statuses = [one.status_code for one in many]
    assert sorted(statuses) == [422] * backoff.FREE_FAILURES + [429] * (30 - backoff.FREE_FAILURES)


async def test_no_session_slips_through_the_end_of_all_of_them(ada: Person, client: httpx.AsyncClient, services: Services) -> None:
    headers = {"Authorization": f"Bearer {ada.tokens['access_token']}"}
    for _ in range(12):
        others = [(await sign_in(client, ada.email)).json()["refresh_token"] for _ in range(3)]
        kept = {"refresh_token": ada.tokens["refresh_token"]}
        end = client.post("/api/v1/users/me/sessions/end", json=kept, headers=headers)
        renewals = [client.post("/api/v1/users/refresh", json={"refresh_token": one}) for one in others]
        ended, *_ = await asyncio.gather(end, *renewals)
        assert ended.status_code == 204
        living = "select count(*) from refresh_tokens where user_id = $1 and revoked_at is null"
        assert await services.database.hot.fetchval(living, ada.id) == 1


async def somebody_waits(services: Services) -> None:
    """Returns once a transaction waits for another's row."""
    waiting = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    async with asyncio.timeout(20):
        while not await services.database.hot.fetchval(waiting):
            await asyncio.sleep(0.01)


class Gate:
    """Holds up a function that is called in the middle of a transaction."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, module: Any, name: str) -> None:
        self.reached, self.open = asyncio.Event(), asyncio.Event()
        self._function = getattr(module, name)
        monkeypatch.setattr(module, name, self)

    async def __call__(self, *arguments: Any) -> Any:
        self.reached.set()
        await self.open.wait()
        return await self._function(*arguments)


@pytest.mark.parametrize("code", ["", "123456"])
async def test_a_sign_in_waits_for_the_second_factor_that_is_being_switched_on_and_is_asked_for_it(
    ada: Person, services: Services, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    gate = Gate(monkeypatch, second_factor, "renew_recovery_codes")  # after the other sessions have ended, before the commit
    switching_on = asyncio.create_task(equip(ada))
    await gate.reached.wait()
    # From another address: from the same one, the count of failures would wait already.
    entering = asyncio.create_task(sessions.sign_in(services, ada.email, PASSWORD, "203.0.113.7", code))
    await somebody_waits(services)
    gate.open.set()
    await switching_on
    with pytest.raises(SecondFactorRequired):
        await entering
    living = "select count(*) from refresh_tokens where user_id = $1 and revoked_at is null"
    assert await services.database.hot.fetchval(living, ada.id) == 1
    assert await services.database.hot.fetchval("select count(*) from login_failures where account = $1 and failures > 0", ada.email) == 0


async def test_switching_it_on_waits_for_a_sign_in_by_the_password_alone_and_ends_its_session(
    client: httpx.AsyncClient, ada: Person, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(monkeypatch, backoff, "forget")
    entering = asyncio.create_task(sign_in(client, ada.email))
    await gate.reached.wait()
    switching_on = asyncio.create_task(equip(ada))
    await somebody_waits(services)
    gate.open.set()
    entered = (await entering).json()
    await switching_on
    assert (await client.post("/api/v1/users/refresh", json={"refresh_token": entered["refresh_token"]})).status_code == 401
    assert (await client.post("/api/v1/users/refresh", json={"refresh_token": ada.tokens["refresh_token"]})).status_code == 200


async def test_a_sign_in_by_a_password_that_is_changed_meanwhile_is_refused(
    client: httpx.AsyncClient, ada: Person, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(monkeypatch, sessions, "check_password")
    entering = asyncio.create_task(sign_in(client, ada.email))
    await gate.reached.wait()
    await ada.post("/users/me/password", expect=204, json={"current_password": PASSWORD, "new_password": "quite another one"})
    gate.open.set()
    refused = await entering
    assert (refused.status_code, refused.json()["detail"]) == (401, "The address or the password is wrong.")


async def test_a_recovery_code_lets_in_once_and_new_ones_end_the_old(client: httpx.AsyncClient, ada: Person, services: Services) -> None:
    secret, recovery = await equip(ada)
    assert await enter(client, ada, recovery[0].upper().replace("-", " ")) == (200, "")
    assert await enter(client, ada, recovery[0]) == (401, WRONG)
    racing = await asyncio.gather(*(enter(client, ada, recovery[1]) for _ in range(3)))
    assert sorted(racing) == [(200, ""), (401, WRONG), (401, WRONG)]
    assert await ada.get("/users/me/totp") == {"active": True, "recovery_codes_left": 8}
    await rewind(services, ada)
    proof = {"current_password": PASSWORD, "code": shown(secret)}
    await ada.post("/users/me/totp/recovery-codes", expect=422, json={**proof, "current_password": "not this one"})
    renewed = (await ada.post("/users/me/totp/recovery-codes", json=proof))["recovery_codes"]
    assert not {*renewed} & {*recovery}
    assert await enter(client, ada, recovery[2]) == (401, WRONG)
    bob = await sign_up(client)
    _, his = await equip(bob)
    assert await enter(client, ada, his[0]) == (401, WRONG), "somebody else's"
    assert await enter(client, ada, renewed[0]) == (200, "")


async def test_switching_it_off_takes_both_and_the_password_alone_does_again(
    client: httpx.AsyncClient, ada: Person, services: Services
) -> None:
    await ada.delete("/users/me/totp", expect=409, json={"current_password": PASSWORD, "code": "123456"})
    secret, recovery = await equip(ada)
    await ada.delete("/users/me/totp", expect=422, json={"current_password": "not this one", "code": shown(secret)})
    refused = await ada.delete("/users/me/totp", expect=422, json={"current_password": PASSWORD, "code": "123456"})
    assert refused["errors"][0]["loc"] == ["code"]
    await ada.delete("/users/me/totp", json={"current_password": PASSWORD, "code": recovery[9]})
    assert await ada.get("/users/me/totp") == {"active": False, "recovery_codes_left": 0}
    assert (await sign_in(client, ada.email)).status_code == 200
    left = "select count(*) from {} where user_id = $1"
    for table in ("second_factors", "recovery_codes"):
        assert await services.database.hot.fetchval(left.format(table), ada.id) == 0


async def test_a_new_password_keeps_one_session_where_it_is_asked_to(client: httpx.AsyncClient, ada: Person, bob: Person) -> None:
    await equip(ada)
    change = {"current_password": PASSWORD, "new_password": "another one"}
    await ada.post("/users/me/password", expect=204, json={**change, "refresh_token": ada.tokens["refresh_token"]})
    assert (await client.post("/api/v1/users/refresh", json={"refresh_token": ada.tokens["refresh_token"]})).status_code == 200
    await bob.post("/users/me/password", expect=204, json={**change, "refresh_token": ada.tokens["refresh_token"]})
    assert (await client.post("/api/v1/users/refresh", json={"refresh_token": bob.tokens["refresh_token"]})).status_code == 401


@pytest.fixture
async def owner(client: httpx.AsyncClient, services: Services) -> AsyncIterator[Person]:
    """Who owns the instance."""
    person = await sign_up(client)
    await services.database.hot.execute("update users set role = 'owner' where id = $1", person.id)
    yield person
    await services.database.hot.execute("update users set role = 'member' where id = $1", person.id)


async def test_an_admin_takes_it_from_who_lost_it_and_nobody_from_themselves(
    client: httpx.AsyncClient, owner: Person, bob: Person, services: Services
) -> None:
    await equip(bob)
    _, mine = await equip(owner)
    away: dict[str, Any] = {"two_factor": False}
    await bob.patch(f"/users/{owner.id}", expect=404, json=away)
    await owner.patch(f"/users/{bob.id}", expect=422, json={"two_factor": True})
    await owner.patch(f"/users/{owner.id}", expect=409, json=away)
    assert [user["two_factor"] for user in (await owner.get("/users"))["items"] if user["id"] == bob.id] == [True]
    assert (await owner.patch(f"/users/{bob.id}", json=away))["two_factor"] is False
    assert (await client.post("/api/v1/users/refresh", json={"refresh_token": bob.tokens["refresh_token"]})).status_code == 401
    assert (await sign_in(client, bob.email)).status_code == 200
    assert (await enter(client, owner, mine[0]))[0] == 200

    reset = (await owner.get("/audit", params={"user_id": owner.id}))["items"]
    assert [(entry["action"], entry["subject"], entry["details"]) for entry in reset[:3]] == [
        ("session.signed_in", owner.email, {"second_factor": "recovery code"}),
        ("user.second_factor_reset", bob.email, {}),
        ("session.second_factor_on", owner.email, {}),
    ]


async def test_what_is_stored_tells_nothing_and_counts_in_its_own_row_only(
    client: httpx.AsyncClient, ada: Person, services: Services
) -> None:
    secret, recovery = await equip(ada)
    bob = await sign_up(client)
    await equip(bob)
    hot = services.database.hot
    for table in ("second_factors", "recovery_codes", "users", "audit"):
        rows = repr(await hot.fetch(f"select * from {table}"))
        for hidden in (secret, recovery[0], recovery[0].replace("-", "")):
            assert hidden not in rows
    await hot.execute(
        "update second_factors set ciphertext = (select ciphertext from second_factors where user_id = $1) where user_id = $2",
        ada.id,
        bob.id,
    )
    assert (await enter(client, bob, shown(secret)))[0] == 503
    assert (await ada.get("/users/me"))["two_factor"] is True


async def test_api_keys_are_asked_for_no_code_and_reach_none_of_it(client: httpx.AsyncClient, ada: Person) -> None:
    key = (await ada.post("/api-keys", json={"name": "CI", "scopes": ["workflows:read", "admin"]}))["key"]
    await equip(ada)
    machine = Person(client, ada.id, ada.email, {"access_token": key})
    await machine.get("/workflows")
    await machine.get("/users/me/totp", expect=403)
    await machine.post("/users/me/totp", expect=403, json={"current_password": PASSWORD})
    await machine.delete("/users/me/totp", expect=403, json={"current_password": PASSWORD, "code": "1"})
