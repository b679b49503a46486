"""Who calls an event handler. Every handler is a public endpoint, so each begins with `api = signed_in(self)`.

`failed` is the one place where errors of handlers become something that the person sees: a toast, or the sign-in page.
"""

import logging
from typing import Any
from urllib.parse import quote

import reflex as rx

from web.api import Api, SignedOut
from web.backend import ApiError
from web.middleware import SESSION_HEADER
from web.services import services

log = logging.getLogger(__name__)

SIGN_IN = "/sign-in"


def signed_in(state: rx.State) -> Api:
    """The API in the name of the person whose event this is. In a background handler call it inside `async with self`.

    Raises `SignedOut`, which brings the browser to the sign-in page.
    """
    held = services()
    session = held.sessions.get(state.router.headers.raw_headers.get(SESSION_HEADER, ""))
    if session is None:
        raise SignedOut
    return Api(held.backend, session)


def safe_path(path: str) -> str:
    """A path of this site to go to after signing in. Anything that could lead elsewhere becomes the first page."""
    plain = path.startswith("/") and not path.startswith("//") and "\\" not in path and path.isprintable()
    return path if plain and not path.startswith(SIGN_IN) else "/workflows"


def to_sign_in() -> rx.event.EventSpec:
    """Go to the sign-in page and come back from there to this one."""
    # The page's own address is known best where it is shown: the handler may run after the person has moved on.
    script = f"location.replace('{SIGN_IN}?reason=expired&next=' + encodeURIComponent(location.pathname + location.search))"
    return rx.call_script(script)


def sign_in_url(path: str) -> str:
    """The sign-in page that leads back to `path`."""
    return f"{SIGN_IN}?next={quote(path, safe='/')}"


def failed(error: Exception) -> Any:
    """What the person sees of an error in a handler."""
    if isinstance(error, SignedOut):
        return to_sign_in()
    if isinstance(error, ApiError):
        return rx.toast.error(str(error), position="bottom-right")
    log.error("an event handler failed", exc_info=error)
    return rx.toast.error("Something went wrong on Trestle's side. Its log has the details; please try again.", position="bottom-right")
