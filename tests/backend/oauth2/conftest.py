"""A provider, and a backend that may call it."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from backend.settings import Settings
from tests.backend.oauth2.kit import CALLBACK
from tests.provider import Provider, provider


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
