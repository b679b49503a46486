"""What a script would write against the public API: the acceptance tests' only way in, besides the browser."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import aiohttp

FINISHED = {"succeeded", "failed", "cancelled", "quarantined"}


class Refused(Exception):
    """The backend answered with a problem; `status` and `problem` say which."""

    def __init__(self, status: int, problem: Any) -> None:
        super().__init__(f"{status}: {problem}")
        self.status, self.problem = status, problem


class Api:
    """A signed-in caller of one backend."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.token: str | None = None
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30))
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._session is not None:
            await self._session.close()

    async def raw(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, **arguments: Any
    ) -> tuple[int, Any, Mapping[str, str]]:
        """One request as it is: status, body (parsed where it is JSON), headers."""
        assert self._session is not None
        sent = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        async with self._session.request(method, self.url + path, headers={**sent, **(headers or {})}, **arguments) as answer:
            body = await (answer.json(content_type=None) if "json" in answer.content_type else answer.text())
            return answer.status, body, answer.headers

    async def call(self, method: str, path: str, **arguments: Any) -> Any:
        """One request under /api/v1 that must be granted; the parsed body."""
        status, body, _ = await self.raw(method, "/api/v1" + path, **arguments)
        if status >= 400:
            raise Refused(status, body)
        return body

    async def sign_up(self, email: str = "ada@example.com", password: str = "a long enough one", name: str = "Ada") -> None:
        """Register the first user and log in."""
        await self.call("POST", "/users/register", json={"email": email, "password": password, "name": name})
        await self.log_in(email, password)

    async def log_in(self, email: str = "ada@example.com", password: str = "a long enough one") -> None:
        """Log in, as a form, and keep the token."""
        self.token = (await self.call("POST", "/users/login", data={"username": email, "password": password}))["access_token"]

    async def workflow(
        self,
        nodes: list[dict[str, Any]],
        connections: Sequence[tuple[str, ...]],
        *,
        name: str = "A workflow",
        live: bool = True,
        settings: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Create a workflow from nodes and `(source, target)` or `(source, port, target)` connections; publish and enable it if `live`."""
        wires = [{"source": c[0], "source_port": c[1] if len(c) == 3 else "main", "target": c[-1]} for c in connections]
        body = {"name": name, "nodes": nodes, "connections": wires, **({"settings": settings} if settings else {})}
        made: dict[str, Any] = await self.call("POST", "/workflows", json=body)
        if live:
            await self.call("POST", f"/workflows/{made['id']}/publish", json={})
            made = await self.call("PATCH", f"/workflows/{made['id']}", json={"enabled": True})
        return made

    async def post_webhook(self, path: str, body: Any) -> str:
        """Call a webhook; the id of the execution it started."""
        status, answer, _ = await self.raw("POST", f"/webhooks/{path}", json=body)
        if status != 202:
            raise Refused(status, answer)
        return str(answer["execution_id"])

    async def finished(self, execution_id: str, *, within_s: float = 20) -> dict[str, Any]:
        """The execution, once it has ended."""
        until = time.monotonic() + within_s
        while True:
            execution: dict[str, Any] = await self.call("GET", f"/executions/{execution_id}")
            if execution["status"] in FINISHED:
                return execution
            assert time.monotonic() < until, f"still {execution['status']} after {within_s} s: {execution}"
            await asyncio.sleep(0.05)

    async def steps(self, execution_id: str) -> list[dict[str, Any]]:
        """Every step of an execution, oldest first."""
        found: list[dict[str, Any]] = []
        cursor = ""
        while True:
            page = await self.call("GET", f"/executions/{execution_id}/steps?limit=200{cursor}")
            found += page["items"]
            if not page["next_cursor"]:
                return found
            cursor = f"&cursor={page['next_cursor']}"
