"""How an OAuth2 credential stands, as its form and its row tell it."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from trestle.contracts.credentials import Credential
from web.pages.credential_connection import in_short, is_by_hand, standing


def credential(**more: Any) -> Credential:
    """One of the type oauth2."""
    now = datetime.now(UTC)
    made: dict[str, Any] = {"id": uuid4(), "project_id": uuid4(), "name": "C", "type": "oauth2", "allowed_hosts": [], "set_fields": []}
    return Credential(**{**made, "created_at": now, "updated_at": now, "connected": False, **more})


@pytest.mark.parametrize(
    ("more", "stands", "row"),
    [
        ({}, "not", "Not connected"),
        ({"connected": True}, "connected", "Connected"),
        ({"problem": "It was withdrawn."}, "again", "Connect again"),
        ({"fields": {"grant": "client_credentials"}}, "itself", ""),
        ({"type": "bearer", "connected": None}, "itself", ""),
    ],
)
def test_each_standing_in_words(more: dict[str, Any], stands: str, row: str) -> None:
    found = credential(**more)
    assert (standing(found), in_short(found)) == (stands, row)


def test_who_connects_follows_the_form() -> None:
    assert is_by_hand("oauth2", {})
    assert is_by_hand("oauth2", {"grant": "authorization_code"})
    assert not is_by_hand("oauth2", {"grant": "client_credentials"})
    assert not is_by_hand("bearer", {})
