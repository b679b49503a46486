"""Callers of the API in tests."""

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx

PASSWORD = "correct horse battery"


@dataclass
class Person:
    """A signed-in user. Calls are under /api/v1."""

    client: httpx.AsyncClient
    id: str
    email: str
    tokens: dict[str, Any]

    async def send(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        """One call as it is."""
        headers = {"Authorization": f"Bearer {self.tokens['access_token']}", **arguments.pop("headers", {})}
        return await self.client.request(method, "/api/v1" + path, headers=headers, **arguments)

    async def call(self, method: str, path: str, expect: int = 200, **arguments: Any) -> Any:
        """One call that must answer `expect`; its body."""
        answer = await self.send(method, path, **arguments)
        assert answer.status_code == expect, (method, path, answer.status_code, answer.text)
        return answer.json() if answer.content else None

    async def get(self, path: str, expect: int = 200, **arguments: Any) -> Any:
        """GET"""
        return await self.call("GET", path, expect, **arguments)

    async def post(self, path: str, expect: int = 201, **arguments: Any) -> Any:
        """POST"""
        return await self.call("POST", path, expect, **arguments)

    async def patch(self, path: str, expect: int = 200, **arguments: Any) -> Any:
        """PATCH"""
        return await self.call("PATCH", path, expect, **arguments)

    async def delete(self, path: str, expect: int = 204, **arguments: Any) -> Any:
        """DELETE"""
        return await self.call("DELETE", path, expect, **arguments)


async def sign_in(client: httpx.AsyncClient, email: str, password: str = PASSWORD) -> httpx.Response:
    """A log-in, as a form."""
    return await client.post("/api/v1/users/login", data={"username": email, "password": password})


async def sign_up(client: httpx.AsyncClient, **extra: Any) -> Person:
    """A new user, signed in."""
    email = extra.pop("email", f"{uuid4().hex}@example.com")
    answer = await client.post("/api/v1/users/register", json={"email": email, "password": PASSWORD, "name": "Somebody", **extra})
    assert answer.status_code == 201, answer.text
    return Person(client, answer.json()["id"], email, (await sign_in(client, email)).json())
