"""Disconnecting has the provider end the tokens, where the credential says how; and says what came of it."""

from typing import Any
from uuid import UUID

import pytest

from backend.errors import Conflict
from backend.services import Services
from tests.backend.oauth2.kit import age, connected, lend
from tests.backend.people import Person
from tests.provider import CANARY, SECRET, Provider


async def held(services: Services, credential: dict[str, Any]) -> bool:
    """Whether any tokens are kept."""
    kept = "select ciphertext is not null from oauth2_grants where credential_id = $1"
    return bool(await services.database.hot.fetchval(kept, UUID(credential["id"])))


async def test_the_provider_ends_them_and_that_is_said(ada: Person, service: Provider, services: Services) -> None:
    made = await connected(ada, service, revocation_url=f"{service.url}/revoke")
    assert await held(services, made)
    told = await ada.post(f"/credentials/{made['id']}/disconnect", expect=200)
    assert (told["withdrawn"], "has ended the tokens" in told["message"]) == (True, True)
    assert service.revoked == [service.given[-1]], "the refresh token, which is given last"
    assert not await held(services, made)
    again = await ada.post(f"/credentials/{made['id']}/disconnect", expect=200)
    assert (again["withdrawn"], len(service.revoked)) == (None, 1)


async def test_what_a_renewal_under_way_still_gets_is_ended_too(
    ada: Person, service: Provider, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await connected(ada, service, revocation_url=f"{service.url}/revoke")
    await age(services, made)
    store, first = services.lender.store.store, service.given[-1]

    async def too_late(*given: Any) -> Any:
        await ada.post(f"/credentials/{made['id']}/disconnect", expect=200)
        return await store(*given)

    monkeypatch.setattr(services.lender.store, "store", too_late)
    with pytest.raises(Conflict):
        await lend(services, made)
    assert service.revoked == [first, service.given[-1]]
    assert not await held(services, made)


@pytest.mark.parametrize(("url", "why"), [("/revoke", "answered 503"), ("/nowhere", "answered 404"), ("x", "can't be called")])
async def test_where_that_fails_they_are_forgotten_all_the_same(
    ada: Person, service: Provider, services: Services, url: str, why: str
) -> None:
    made = await connected(ada, service, revocation_url=f"{service.url}{url}" if url != "x" else "http://localhost:1/revoke")
    service.away = True
    told = await ada.post(f"/credentials/{made['id']}/disconnect", expect=200)
    assert told["withdrawn"] is False
    assert why in told["message"]
    assert "at the provider too" in told["message"]
    assert not any(secret in told["message"] for secret in (CANARY, SECRET))
    assert not await held(services, made)


async def test_no_token_goes_to_an_address_that_is_given_later(ada: Person, service: Provider, services: Services) -> None:
    made = await connected(ada, service)
    moved = await ada.patch(f"/credentials/{made['id']}", json={"data": {"revocation_url": f"{service.url}/revoke"}})
    assert moved["connected"] is False
    assert (await ada.post(f"/credentials/{made['id']}/disconnect", expect=200))["withdrawn"] is None
    assert service.revoked == []
