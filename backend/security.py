"""Passwords and access tokens: the cryptography, without any rule about who may do what."""

import asyncio
import hashlib
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import bcrypt
import jwt

from backend.errors import Unauthorised

ALGORITHM = "HS256"
ISSUER = "trestle"
PEOPLE = "trestle-api"
"""Audience of people's access tokens."""
EXECUTORS = "trestle-internal"
"""Audience of executors' tokens."""
INVITATIONS = "trestle-invitation"
"""Audience of invitations to register."""
_REQUIRED = ["exp", "iat", "aud", "iss", "sub", "jti"]


class Tokens:
    """Signs and reads access tokens: one pinned algorithm, every claim required."""

    def __init__(self, secret: str) -> None:
        self._secret = secret

    def issue(self, subject: str, audience: str, lifetime_s: float, session: UUID | None = None) -> str:
        """A token that says who (`subject`) and for what (`audience`), valid from now on for `lifetime_s`; of a person's `session`."""
        now = datetime.now(UTC)
        claims: dict[str, Any] = {
            "sub": subject,
            "aud": audience,
            "iss": ISSUER,
            "iat": now,
            "exp": now + timedelta(seconds=lifetime_s),
            "jti": uuid4().hex,
        }
        if session is not None:
            claims["sid"] = str(session)
        return jwt.encode(claims, self._secret, algorithm=ALGORITHM)

    def read(self, token: str, audience: str) -> str:
        """The subject of a token for `audience`. Raises Unauthorised for any other token."""
        return str(self.claims(token, audience)["sub"])

    def claims(self, token: str, audience: str) -> dict[str, Any]:
        """All that a token for `audience` says. Raises Unauthorised for any other token."""
        try:
            claims: dict[str, Any] = jwt.decode(
                token, self._secret, algorithms=[ALGORITHM], audience=audience, issuer=ISSUER, options={"require": _REQUIRED}
            )
        except jwt.ExpiredSignatureError:
            raise Unauthorised("The access token has expired. Renew it with the refresh token, or sign in again.") from None
        except jwt.InvalidTokenError:
            raise Unauthorised("The access token is not valid here. Sign in and send `Authorization: Bearer <access token>`.") from None
        return claims


def new_secret() -> str:
    """A secret of 256 random bits, URL-safe."""
    return secrets.token_urlsafe(32)


def digest(secret: str) -> bytes:
    """What is stored of a secret that was random to begin with: enough to recognise it."""
    return hashlib.sha256(secret.encode()).digest()


def nobodys_hash(rounds: int) -> bytes:
    """A hash that no password matches and that costs as much to check as a real one, for users that don't exist."""
    return f"$2b${rounds:02}${'.' * 53}".encode()


async def hash_password(password: str, rounds: int) -> bytes:
    """bcrypt of `password` (8–72 bytes), off the event loop."""
    return await asyncio.to_thread(lambda: bcrypt.hashpw(password.encode(), bcrypt.gensalt(rounds)))


async def check_password(password: str, hashed: bytes) -> bool:
    """Whether `password` is the one behind `hashed`. One bcrypt run whatever the password, off the event loop.

    bcrypt refuses more than 72 bytes; such a password can't be right, but is checked (cut) all the same, to take as long.
    """
    candidate = password.encode()
    matches = await asyncio.to_thread(bcrypt.checkpw, candidate[:72], hashed)
    return matches and len(candidate) <= 72
