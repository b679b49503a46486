"""Secrets are found however they are dressed."""

import base64
from collections.abc import AsyncIterator
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.redaction import REDACTED, Redactor

SECRET = 'p4ss/w0rd+"é ü'


def knowing(*secrets: str) -> Redactor:
    redactor = Redactor()
    for secret in secrets:
        redactor.learn({"token": secret})
    return redactor


@pytest.mark.parametrize(
    "form", [SECRET, quote(SECRET), quote(SECRET, safe=""), quote_plus(SECRET), base64.b64encode(SECRET.encode()).decode()]
)
def test_each_form_is_found_in_values_keys_and_texts(form: str) -> None:
    redactor = knowing(SECRET)
    assert redactor.value({"a": [f"x {form} y"], form: 1}) == {"a": [f"x {REDACTED} y"], REDACTED: 1}
    assert form not in redactor.text(f"<{form}>")


@given(st.text(min_size=8, max_size=30), st.text(max_size=10), st.text(max_size=10))
def test_base64_is_found_within_a_longer_text(secret: str, before: str, after: str) -> None:
    raw = f"{before}{secret}{after}".encode()
    told = knowing(secret).text(base64.b64encode(raw).decode())
    assert REDACTED in told


def test_short_secrets_and_fields_that_are_none_are_let_through() -> None:
    redactor = knowing("short")
    redactor.learn({"username": "somebody@example.com", "name": "X-Long-Header-Name"})
    assert redactor.value({"a": "short somebody@example.com X-Long-Header-Name"}) == {"a": "short somebody@example.com X-Long-Header-Name"}


def test_a_number_that_spells_a_secret() -> None:
    assert knowing("1234567890").value({"pin": 1234567890, "other": 12}) == {"pin": REDACTED, "other": 12}


def test_the_longer_of_two_secrets_goes_first() -> None:
    assert knowing("abcdefgh", "abcdefgh-and-more").text("abcdefgh-and-more") == REDACTED


@given(st.integers(1, 40), st.sampled_from([SECRET, quote(SECRET), '"p4ss/w0rd+\\"é ü"', base64.b64encode(SECRET.encode()).decode()]))
async def test_a_stream_has_none_however_it_is_cut(size: int, form: str) -> None:
    data = b"\xff\x00" * 20 + form.encode() + b"between" * 5 + form.encode()

    async def pieces() -> AsyncIterator[bytes]:
        for at in range(0, len(data), size):
            yield data[at : at + size]

    told = b"".join([piece async for piece in knowing(SECRET).stream(pieces())])
    assert told.count(REDACTED.encode()) == 2
    assert told.startswith(b"\xff\x00" * 20)
    assert told.replace(b'"', b"") == data.replace(form.encode(), REDACTED.encode())
    assert b"".join([piece async for piece in Redactor().stream(pieces())]) == data
