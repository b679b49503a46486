"""Who calls an event handler. Every handler is a public endpoint, so each begins with `api = signed_in(self)`.

`failed` is the one place where errors of handlers become something that the person sees: a toast, or the sign-in page.
"""

import logging

import reflex as rx
from reflex.event import EventSpec

from trestle.contracts.users import Role
from web.api import Api
from web.backend import ApiError
from web.middleware import SESSION_HEADER
from web.services import services
from web.signing_in import SignedOut

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
    return Api(held.backend, session, state.router.session.client_ip)


def safe_path(path: str) -> str:
    """A path of this site to go to after signing in. Anything that could lead elsewhere becomes the first page."""
    plain = path.startswith("/") and not path.startswith("//") and "\\" not in path and path.isprintable()
    return path if plain and not path.startswith(SIGN_IN) else "/workflows"


def to_sign_in() -> EventSpec:
    """Go to the sign-in page and come back from there to this one."""
    # The page's own address is known best where it is shown: the handler may run after the person has moved on.
    return rx.call_script("window.trestle.expired()")


def failed(exception: Exception) -> EventSpec:
    """What the person sees of an error in a handler."""
    if isinstance(exception, SignedOut):
        return to_sign_in()
    if isinstance(exception, ApiError):
        message = str(exception)
    else:
        log.error("an event handler failed", exc_info=exception)
        message = "Something went wrong on Trestle's side. Its log has the details; please try again."
    shown: EventSpec = rx.toast.error(message)
    return shown


class Viewer(rx.State):
    """Who is signed in, for the frame. The only state that pages share; it holds nothing secret."""

    name: str = ""
    email: str = ""
    initial: str = ""
    administers: bool = False

    @rx.event
    def arrive(self) -> None:
        """Every page's first event: somebody must be signed in."""
        user = signed_in(self).session.user
        self.name, self.email, self.initial = user.name, user.email, user.name[:1]
        self.administers = user.role != Role.MEMBER
