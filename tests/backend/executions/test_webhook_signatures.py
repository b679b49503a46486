"""Signed webhooks: who knows the secret gets in; what is missing, empty, wrong, stale or sent again does not, or counts once."""

import json
import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from tests.backend.executions.hooks import configured, credential, digest, text64
from tests.backend.executions.world import Backend, World

BODY = b'{"id": "evt_1",  "n": 1.50}'
SECRET, OLD = "a shared secret of the sender", "the one before"
KEY = b"\x01\x02 a key of bytes \xff" * 2

Headers = dict[str, str]
Sign = Callable[[bytes, float, str], Headers]


def plain(body: bytes, at: float, secret: str) -> Headers:
    """`hmac`, as it is by default."""
    return {"X-Signature": digest(secret, body).hex()}


def timed(body: bytes, at: float, secret: str) -> Headers:
    """`hmac` with the time."""
    sent = str(int(at))
    return {"X-Mine": "sha256=" + text64(digest(secret, sent.encode(), body)), "X-Sent": sent}


def github(body: bytes, at: float, secret: str) -> Headers:
    """As GitHub signs."""
    return {"X-Hub-Signature-256": "sha256=" + digest(secret, body).hex(), "X-GitHub-Delivery": "72d3162e-cc78"}


def stripe(body: bytes, at: float, secret: str) -> Headers:
    """As Stripe signs; a second signature is of a secret that is not ours."""
    sent = str(int(at))
    return {"Stripe-Signature": f"t={sent},v1={digest('other', body).hex()},v1={digest(secret, sent.encode(), body).hex()},v0=abc"}


def standard(body: bytes, at: float, secret: str) -> Headers:
    """As Standard Webhooks has it."""
    sent, key = str(int(at)), (KEY if secret == SECRET else secret.encode())
    signature = text64(digest(key, b"msg_1", sent.encode(), body))
    return {"webhook-id": "msg_1", "webhook-timestamp": sent, "webhook-signature": f"v1a,zzz v1,{text64(KEY)} v1,{signature}"}


SCHEMES: list[tuple[dict[str, str], Sign, bool, bool]] = [
    ({"kind": "hmac"}, plain, False, False),
    ({"kind": "hmac", "header": "X-Mine", "timestamp_header": "X-Sent"}, timed, True, False),
    ({"kind": "github"}, github, False, True),
    ({"kind": "stripe"}, stripe, True, True),
    ({"kind": "standard"}, standard, True, True),
]
"""Config, how to sign, whether the time is signed, whether the sender's id makes a repeat count once."""

SECRETS = {"secret": SECRET, "previous_secret": OLD}
STANDARD = {"secret": "whsec_" + text64(KEY), "previous_secret": text64(OLD.encode())}


async def post(backend: Backend, headers: Headers, body: bytes = BODY) -> tuple[int, Any]:
    """One call."""
    return await backend.call("POST", "/webhooks/go", data=body, headers={"Content-Type": "application/json", **headers})


@pytest.mark.parametrize(("auth", "sign", "in_time", "once"), SCHEMES, ids=["hmac", "hmac with time", "github", "stripe", "standard"])
async def test_signatures(backend: Backend, world: World, auth: Headers, sign: Sign, in_time: bool, once: bool) -> None:
    ident = await credential(backend, world, "hmac", STANDARD if auth["kind"] == "standard" else SECRETS)
    await configured(world, auth={**auth, "credential": ident})
    now = time.time()
    good = sign(BODY, now, SECRET)
    status, first = await post(backend, good)
    assert status == 202, first
    assert (await post(backend, sign(BODY, now, OLD)))[0] == 202, "both live secrets"
    status, again = await post(backend, good)
    assert (status, again == first) == (202, once), "sent again"
    count = await world.pool.fetchval("select count(*) from executions")

    for name in good:
        if name == "X-GitHub-Delivery":
            continue
        assert (await post(backend, {key: value for key, value in good.items() if key != name}))[0] == 401, f"{name} missing"
        assert (await post(backend, {**good, name: ""}))[0] == 401, f"{name} empty"
        assert (await post(backend, {**good, name: "é,=;. v1,!"}))[0] == 401, f"{name} nonsense"
    assert (await post(backend, good, BODY.replace(b"1.50", b"1.5")))[0] == 401, "another body"
    assert (await post(backend, sign(BODY, now, "guess")))[0] == 401, "another secret"
    assert (await post(backend, sign(BODY, now, "")))[0] == 401, "an empty secret"
    for off in (-310, 310):
        assert (await post(backend, sign(BODY, time.time() + off, SECRET)))[0] == (401 if in_time else 202), f"{off} s off"
    for off in (-280, 280):
        assert (await post(backend, sign(BODY, time.time() + off, SECRET)))[0] == 202, f"{off} s off"
    if in_time:
        assert await world.pool.fetchval("select count(*) from executions") == count + (0 if once else 2)


async def test_both_spellings_of_a_plain_signature(backend: Backend, world: World) -> None:
    await configured(world, auth={"kind": "hmac", "credential": await credential(backend, world, "hmac", {"secret": SECRET})})
    made = digest(SECRET, BODY)
    for given in (made.hex(), made.hex().upper(), text64(made), f"sha256={made.hex()}", f"sha256={text64(made)}"):
        assert (await post(backend, {"X-Signature": given}))[0] == 202, given
    for given in (made.hex()[:-2], text64(made)[:-4], f"sha1={made.hex()}", f"sha256=sha256={made.hex()}", "sha256="):
        assert (await post(backend, {"X-Signature": given}))[0] == 401, given


async def test_a_signed_id_has_no_dot(backend: Backend, world: World) -> None:
    """Otherwise `a` + `1.body` could be passed off as `a.1` + `body`."""
    await configured(world, auth={"kind": "standard", "credential": await credential(backend, world, "hmac", STANDARD)})
    sent = str(int(time.time()))
    signature = text64(digest(KEY, b"msg.1", sent.encode(), BODY))
    headers = {"webhook-id": "msg.1", "webhook-timestamp": sent, "webhook-signature": f"v1,{signature}"}
    assert (await post(backend, headers))[0] == 401


@pytest.mark.parametrize("kind", ["hmac", "github", "stripe", "standard", "jwt"])
async def test_a_scheme_without_its_secret_keeps_everybody_out(backend: Backend, world: World, kind: str) -> None:
    wrong = await credential(backend, world, "bearer", {"token": SECRET})
    empty = await credential(backend, world, "jwt" if kind == "jwt" else "hmac", {"secret": "", "algorithm": "HS256"})
    for chosen in ({}, {"credential": None}, {"credential": wrong}, {"credential": empty}, {"credential": str(world.project_id)}):
        await configured(world, auth={"kind": kind, **chosen})
        for sign in (plain, github, stripe, standard):
            for secret in (SECRET, ""):
                assert (await post(backend, sign(BODY, time.time(), secret)))[0] == 401
    assert await world.pool.fetchval("select count(*) from executions where status <> 'failed'") == 0, "told of at most, never run"


async def test_a_delivery_counts_once_unless_the_node_says_otherwise(backend: Backend, world: World) -> None:
    ident = await credential(backend, world, "hmac", SECRETS)
    await configured(world, auth={"kind": "github", "credential": ident}, dedupe="{{ payload.n }}")
    (_, one), (_, two) = [await post(backend, github(body, 0, SECRET), body) for body in (b'{"n": 1}', b'{"n": 2}')]
    assert one != two, "the expression decides, where it gives something"
    (_, one), (_, two) = [await post(backend, github(body, 0, SECRET), body) for body in (b'{"n": null}', b'{"n": "", "x": 1}')]
    assert one == two, "or else the sender's id"


def issued(key: Any, algorithm: str, **claims: Any) -> Headers:
    """A token in a call's header."""
    lasting = {"exp": int(time.time()) + 60, "aud": "anybody", **claims}
    token = jwt.encode({name: value for name, value in lasting.items() if value is not None}, key, algorithm=algorithm)
    return {"Authorization": f"Bearer {token}"}


LONG = SECRET * 3


def by_hand(key: str) -> Headers:
    """A token that a library refuses to make."""
    head, claims = (text64(json.dumps(part).encode()).rstrip("=") for part in ({"alg": "HS256"}, {"exp": 4_000_000_000}))
    signature = text64(digest(key, head.encode(), claims.encode())).rstrip("=").replace("+", "-").replace("/", "_")
    return {"Authorization": f"Bearer {head}.{claims}.{signature}"}


async def test_tokens_of_a_shared_secret(backend: Backend, world: World) -> None:
    ident = await credential(backend, world, "jwt", {"secret": LONG, "algorithm": "HS256"})
    await configured(world, auth={"kind": "jwt", "credential": ident})
    good = issued(LONG, "HS256")
    assert (await post(backend, good))[0] == 202
    head, claims, signature = good["Authorization"].split(" ")[1].split(".")
    none = text64(json.dumps({"alg": "none", "typ": "JWT"}).encode()).rstrip("=")
    wrong = [
        {},
        {"Authorization": ""},
        {"Authorization": "Bearer "},
        {"Authorization": f"Basic {head}.{claims}.{signature}"},
        {"Authorization": f"Bearer {head}.{claims}.{signature[:-4]}aaaa"},
        {"Authorization": f"Bearer {head}.{claims}."},
        {"Authorization": f"Bearer {none}.{claims}."},
        {"Authorization": f"Bearer {none}.{claims}.{signature}"},
        issued(LONG, "HS512"),
        issued(LONG + "x", "HS256"),
        issued(LONG, "HS256", exp=None),
        issued(LONG, "HS256", exp=int(time.time()) - 60),
        issued(LONG, "HS256", nbf=int(time.time()) + 600),
    ]
    for headers in wrong:
        assert (await post(backend, headers))[0] == 401, headers
    assert await world.pool.fetchval("select count(*) from executions") == 1


async def test_a_short_secret_is_the_issuers_choice(backend: Backend, world: World) -> None:
    ident = await credential(backend, world, "jwt", {"secret": "s3cret", "algorithm": "HS256"})
    await configured(world, auth={"kind": "jwt", "credential": ident})
    assert (await post(backend, by_hand("s3cret")))[0] == 202
    assert (await post(backend, by_hand("s3cre")))[0] == 401


async def test_tokens_of_a_key_pair(backend: Backend, world: World) -> None:
    pairs: list[tuple[str, Any]] = [
        ("RS256", rsa.generate_private_key(public_exponent=65537, key_size=2048)),
        ("ES256", ec.generate_private_key(ec.SECP256R1())),
    ]
    for algorithm, private in pairs:
        form = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        public = private.public_key().public_bytes(*form).decode()
        for shown in (public, public.replace("\n", ""), public.replace("\n", " ")):
            ident = await credential(backend, world, "jwt", {"public_key": shown, "algorithm": algorithm})
            await configured(world, auth={"kind": "jwt", "credential": ident})
            assert (await post(backend, issued(private, algorithm)))[0] == 202, shown
        assert (await post(backend, issued(private, algorithm, exp=1)))[0] == 401
        for key in (public, shown):
            assert (await post(backend, by_hand(key)))[0] == 401, "the public key is no secret"
        for data in ({"public_key": public, "algorithm": "HS256"}, {"secret": public, "algorithm": algorithm}, {"public_key": "x"}):
            ident = await credential(backend, world, "jwt", data)
            await configured(world, auth={"kind": "jwt", "credential": ident})
            assert (await post(backend, issued(private, algorithm)))[0] == 401, data


async def test_a_credential_of_another_type_lets_nobody_in(backend: Backend, world: World) -> None:
    """A service's key that happens to have the fields is not what callers sign with."""
    for type_, auth, headers in (
        ("jwt", {"kind": "hmac"}, plain(BODY, time.time(), SECRET)),
        ("bearer", {"kind": "basic"}, {"Authorization": "Basic " + text64(b"ada:" + SECRET.encode())}),
        ("hmac", {"kind": "jwt"}, {"Authorization": f"Bearer {jwt.encode({'exp': time.time() + 60}, SECRET * 2, 'HS256')}"}),
    ):
        fields = {
            "secret": SECRET * 2 if type_ == "hmac" else SECRET,
            "algorithm": "HS256",
            "username": "ada",
            "password": SECRET,
            "token": SECRET,
        }
        await configured(world, auth={**auth, "credential": await credential(backend, world, type_, fields)})
        status, problem = await post(backend, headers)
        assert status == 401, (type_, problem)
