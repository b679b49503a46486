"""Opening, renewing and ending a session at the backend: what happens before and after somebody is signed in."""

from trestle.contracts.users import Registration, Tokens, User
from web.backend import ApiError, Backend
from web.session import Session, Sessions


class SignedOut(Exception):
    """Nobody is signed in here, or their session has run out."""


async def registration(backend: Backend) -> Registration:
    """Who may sign up here."""
    return Registration.model_validate(await backend.call("GET", "/users/registration"))


async def sign_up(backend: Backend, *, name: str, email: str, password: str, invitation: str = "") -> User:
    """Create an account. Raises `ApiError` where the instance takes no new ones, or the values are wrong."""
    body = {"name": name, "email": email, "password": password, **({"invitation_token": invitation} if invitation else {})}
    return User.model_validate(await backend.call("POST", "/users/register", json=body))


async def sign_in(backend: Backend, sessions: Sessions, *, email: str, password: str, code: str = "", address: str = "") -> Session:
    """Open a session. Raises `ApiError` (401) for a wrong email or password; its problem's type says where it is about the `code`.

    `address` is the browser's: the backend slows down whoever guesses by account and address, and would else see one for all browsers.
    """
    headers = {"X-Forwarded-For": address} if address else None
    form = {"username": email, "password": password, "totp_code": code}
    tokens = Tokens.model_validate(await backend.call("POST", "/users/login", form=form, headers=headers))
    user = User.model_validate(await backend.call("GET", "/users/me", token=tokens.access_token))
    return sessions.open(tokens, user)


async def renew(backend: Backend, session: Session, seen_generation: int) -> None:
    """Trade the refresh token for a new pair, once, however many calls ask for it at the same time.

    Raises `SignedOut` where the backend takes the refresh token no more.
    """
    async with session.lock:
        if session.ended:
            raise SignedOut
        if session.generation != seen_generation:
            return
        try:
            answer = await backend.call("POST", "/users/refresh", json={"refresh_token": session.refresh_token})
        except ApiError as error:
            if error.status not in (400, 401, 403, 422):
                raise
            session.ended = True
            raise SignedOut from error
        session.renew(Tokens.model_validate(answer))


async def sign_out(backend: Backend, sessions: Sessions, session: Session) -> None:
    """End the session here and at the backend. A backend that does not answer keeps nobody signed in here."""
    refresh_token = session.refresh_token
    sessions.end(session)
    try:
        await backend.call("POST", "/users/logout", json={"refresh_token": refresh_token})
    except ApiError as error:
        if error.status < 500:
            return  # the token was spent already
        raise
