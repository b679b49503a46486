"""What OAuth2's two ends say to each other, without either of them."""

import json
from typing import Any

import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from backend.credentials.oauth2 import provider as protocol
from backend.credentials.oauth2.client import new_verifier
from backend.credentials.oauth2.provider import ProviderRefused
from trestle.outbound import Response


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"error": {"message": "Invalid client.", "type": "OAuthException", "code": 101}}, "OAuthException. It says: Invalid client."),
        ({"error": {"status": "INVALID", "code": 400, "message": ["no text"]}}, "refused: INVALID."),
        ({"error": ["x"]}, "without a token"),
    ],
)
def test_an_error_that_is_no_text_is_told_all_the_same(body: dict[str, Any], told: str) -> None:
    answer = Response(400, CIMultiDictProxy(CIMultiDict()), json.dumps(body).encode(), "https://p.example/token", 0.1)
    with pytest.raises(ProviderRefused, match=told):
        protocol._read("p.example", answer, [])


def test_the_verifier_is_as_long_as_it_must_be() -> None:
    assert 43 <= len(new_verifier()) <= 128
