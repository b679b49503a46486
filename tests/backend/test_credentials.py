"""Secrets: taken, kept, used, never given back."""

import json
from typing import Any
from uuid import UUID, uuid4

import pytest
from cryptography.fernet import Fernet

from backend.credentials import service
from backend.credentials.vault import Sealed, Vault
from backend.errors import Conflict, NotFound
from backend.services import Services
from tests.backend.catalogue import register
from tests.backend.graphs import HOOK, node, wires
from tests.backend.people import Person
from trestle.contracts.credentials import RateLimit

CANARY = "canary-5f2c9d"


@pytest.mark.parametrize(
    ("kind", "data", "shown"),
    [
        ("bearer", {"token": CANARY}, {}),
        ("basic", {"username": "ada", "password": CANARY}, {"username": "ada"}),
        ("header", {"name": "X-Key", "value": CANARY}, {"name": "X-Key"}),
    ],
)
async def test_a_secret_is_never_given_back(ada: Person, services: Services, kind: str, data: dict[str, str], shown: Any) -> None:
    body = {"name": "C", "type": kind, "data": data, "allowed_hosts": ["*.example.com"]}
    made = await ada.post("/credentials", json=body)
    assert (made["fields"], made["set_fields"], made["allowed_hosts"]) == (shown, sorted(data), ["*.example.com"])
    path = f"/credentials/{made['id']}"
    secret = next(name for name in data if name not in shown)
    changed = await ada.patch(path, json={"data": {secret: CANARY + "2"}, "name": "D"})
    assert changed["name"] == "D"
    for answer in (made, changed, await ada.get(path), await ada.get("/credentials"), await ada.get(f"/credentials?type={kind}")):
        assert CANARY not in json.dumps(answer)
    wrong = await ada.send("POST", "/credentials", json={**body, "data": {**data, "extra": CANARY}})
    assert wrong.status_code == 422
    assert CANARY not in wrong.text
    await ada.post("/credentials", expect=422, json={**body, "data": {secret: 7}})
    rows = await services.database.hot.fetch("select credentials::text from credentials")
    assert CANARY not in str(rows)
    async with services.database.session() as session:
        opened = await service.reveal(session, services.vault, UUID(made["project_id"]), UUID(made["id"]))
        assert opened.data == {**data, secret: CANARY + "2"}
        assert (opened.type, opened.allowed_hosts) == (kind, ["*.example.com"])
        with pytest.raises(NotFound):
            await service.reveal(session, services.vault, uuid4(), UUID(made["id"]))


async def test_rows_that_were_swapped_do_not_open(ada: Person, services: Services) -> None:
    one, two = [await ada.post("/credentials", json={"name": "C", "type": "bearer", "data": {"token": t}}) for t in ("one", "two")]
    await services.database.hot.execute(
        "update credentials a set ciphertext = b.ciphertext from credentials b where a.id = $1 and b.id = $2", one["id"], two["id"]
    )
    async with services.database.session() as session:
        with pytest.raises(Conflict, match="another row"):
            await service.reveal(session, services.vault, UUID(one["project_id"]), UUID(one["id"]))


def test_keys_rotate() -> None:
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    row: dict[str, Any] = {"project": uuid4(), "credential": uuid4(), "version": 1}
    sealed = Vault([old]).seal({"a": 1}, **row)
    assert Vault([new, old]).open(sealed, **row) == {"a": 1}
    assert Vault([new, old]).key_id == Vault([new]).key_id != Vault([old]).key_id
    with pytest.raises(Sealed, match="TRESTLE_ENCRYPTION_KEYS"):
        Vault([new]).open(sealed, **row)
    with pytest.raises(Sealed):
        Vault([old]).open(sealed, **{**row, "version": 2})


async def test_types_say_which_fields_are_secret(ada: Person) -> None:
    kinds = {kind["name"]: kind["fields_schema"]["properties"] for kind in (await ada.get("/credential-types"))["items"]}
    secret = {name: [field for field, schema in fields.items() if schema.get("writeOnly")] for name, fields in kinds.items()}
    assert secret == {
        "bearer": ["token"],
        "basic": ["password"],
        "header": ["value"],
        "jwt": ["secret"],
        "hmac": ["secret", "previous_secret"],
        "oauth2": ["client_secret"],
    }
    await ada.post("/credentials", expect=422, json={"name": "C", "type": "nonsense", "data": {}})
    bearer = {"name": "C", "type": "bearer", "data": {"token": "x"}}
    await ada.post("/credentials", expect=422, json={**bearer, "allowed_hosts": ["https://x.example/path"]})


async def test_one_in_use_stays_unless_forced(ada: Person, bob: Person, services: Services) -> None:
    await register(services.database)
    made = await ada.post("/credentials", json={"name": "C", "type": "bearer", "data": {"token": "x"}})
    call = node("call", "http.request", url="https://x.example", credential=made["id"])
    graph = {"name": "W", "nodes": [HOOK, call], "connections": wires("hook>call")}
    flow = await ada.post("/workflows", json=graph)
    assert flow["problems"] == []
    await ada.post(f"/workflows/{flow['id']}/publish")
    await ada.patch(f"/nodes/{flow['nodes'][1]['id']}", json={"config": {"url": "https://x.example"}})
    uses = (await ada.get(f"/credentials/{made['id']}/usage"))["items"]
    assert uses == [{"workflow_id": flow["id"], "workflow_name": "W", "node": "call"}], "the published version still names it"
    refused = await ada.delete(f"/credentials/{made['id']}", expect=409)
    assert "call" in refused["detail"]
    theirs = await bob.post("/workflows", json=graph)
    assert [p["loc"] for p in theirs["problems"]] == [["config", "credential"]], "somebody else's credential is none"
    basic = await ada.post("/credentials", json={"name": "C", "type": "header", "data": {"name": "A", "value": "b"}})
    await ada.patch(f"/nodes/{flow['nodes'][1]['id']}", json={"config": {"url": "https://x.example", "credential": basic["id"]}})
    assert (await ada.get(f"/workflows/{flow['id']}"))["problems"] == []
    await ada.delete(f"/credentials/{made['id']}?force=true")
    await ada.get(f"/credentials/{made['id']}", expect=404)


KEY = "-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----"


@pytest.mark.parametrize(
    ("data", "status"),
    [
        ({"algorithm": "HS256", "secret": "s"}, 201),
        ({"algorithm": "RS256", "public_key": KEY}, 201),
        ({"algorithm": "HS256", "public_key": KEY}, 422),
        ({"algorithm": "ES256", "secret": "s"}, 422),
        ({"algorithm": "HS256", "secret": "s", "public_key": KEY}, 422),
        ({"algorithm": "HS256"}, 422),
        ({"algorithm": "none"}, 422),
        ({"algorithm": "none", "secret": "s"}, 422),
        ({"secret": "s"}, 422),
        ({"algorithm": "RS256", "public_key": "no key"}, 422),
    ],
)
async def test_a_token_is_verified_by_a_secret_or_by_a_key(ada: Person, data: dict[str, str], status: int) -> None:
    await ada.post("/credentials", expect=status, json={"name": "C", "type": "jwt", "data": data})


async def test_null_takes_an_optional_field_away(ada: Person) -> None:
    made = await ada.post("/credentials", json={"name": "C", "type": "hmac", "data": {"secret": "new", "previous_secret": "old"}})
    path = f"/credentials/{made['id']}"
    assert (await ada.patch(path, json={"data": {"previous_secret": None}}))["set_fields"] == ["secret"]
    await ada.patch(path, expect=422, json={"data": {"secret": None}})
    token = await ada.post("/credentials", json={"name": "C", "type": "jwt", "data": {"algorithm": "HS256", "secret": "s"}})
    other = {"algorithm": "RS256", "public_key": KEY, "secret": None}
    assert (await ada.patch(f"/credentials/{token['id']}", json={"data": other}))["fields"] == {"algorithm": "RS256", "public_key": KEY}


async def test_a_rate_limit_is_kept_changed_and_taken_away(ada: Person, services: Services) -> None:
    limit = {"requests": 5, "per_s": 2.0}
    made = await ada.post("/credentials", json={"name": "C", "type": "bearer", "data": {"token": CANARY}, "rate_limit": limit})
    path, ids = f"/credentials/{made['id']}", (UUID(made["project_id"]), UUID(made["id"]))
    assert made["rate_limit"] == limit
    assert (await ada.patch(path, json={"name": "D"}))["rate_limit"] == limit
    async with services.database.session() as session:
        assert (await service.reveal(session, services.vault, *ids)).rate_limit == RateLimit(requests=5, per_s=2)
    assert (await ada.patch(path, json={"rate_limit": {"requests": 1}}))["rate_limit"] == {"requests": 1, "per_s": 1.0}
    assert (await ada.patch(path, json={"rate_limit": None}))["rate_limit"] is None
    assert (await ada.get(path))["rate_limit"] is None
    await ada.patch(path, expect=422, json={"rate_limit": {"requests": 0}})
