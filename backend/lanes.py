"""The bare ASGI applications, chosen by the start of the path before any framework looks at the request."""

from starlette.types import ASGIApp, Receive, Scope, Send

from backend.internal.api import PREFIX as INTERNAL
from backend.services import Services
from backend.triggers.trials import PREFIX as TRIALS
from backend.triggers.webhooks import PREFIX as WEBHOOKS


class Lanes:
    """Sends webhooks and executors their own way; everything else goes on to `app`. They decide themselves who may call."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request (ASGI)."""
        if scope["type"] == "http":
            path: str = scope["path"]
            if path.startswith(WEBHOOKS):
                parts: Services = scope["app"].state.services
                return await parts.webhooks(scope, receive, send)
            if path.startswith(TRIALS):
                parts = scope["app"].state.services
                return await parts.trials(scope, receive, send)
            if path.startswith(INTERNAL):
                parts = scope["app"].state.services
                return await parts.internal(scope, receive, send)
        return await self.app(scope, receive, send)
