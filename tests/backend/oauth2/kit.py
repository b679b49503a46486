"""How people connect an OAuth2 credential, and what steps get of it."""

from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import httpx

from backend.services import Services
from tests.backend.people import Person
from tests.provider import Provider
from trestle.contracts.jobs import Secret

CALLBACK = "/api/v1/credentials/oauth2/callback"


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
