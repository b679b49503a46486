"""Who is signed in: tokens held on the server, and a sealed cookie from which they come back after a restart.

The browser holds one httpOnly cookie. It is the session itself, encrypted and authenticated with a key derived from
`TRESTLE_WEB_KEY`; nothing in the page can read it, and the process needs no store of its own. While the process runs, the
newest tokens are kept in memory: a refresh token is good for one use, so of two copies of a session the later one counts.
"""

import asyncio
import base64
import hashlib
import secrets
import time
from dataclasses import dataclass, field

import orjson
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from trestle.contracts.users import Tokens, User

COOKIE_DAYS = 30
TICKET_S = 30.0
MAX_SESSIONS = 10_000


@dataclass
class Session:
    """One person signed in from one browser.

    `generation` counts the pairs of tokens it has had. `expires_at` is when the access token ends, in seconds since the epoch.
    """

    id: str
    user: User
    access_token: str
    refresh_token: str
    expires_at: float
    generation: int = 0
    sealed_generation: int = -1
    ended: bool = False
    lock: asyncio.Lock = field(default_factory=asyncio.Lock, repr=False)

    def renew(self, tokens: Tokens) -> None:
        """Take a new pair of tokens."""
        self.access_token, self.refresh_token = tokens.access_token, tokens.refresh_token
        self.expires_at = time.time() + tokens.expires_in
        self.generation += 1

    def remaining_s(self) -> float:
        """How long the access token is still good for."""
        return self.expires_at - time.time()


class Sessions:
    """The open sessions of this process, and the seal on their cookies."""

    def __init__(self, secret: bytes) -> None:
        key = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"trestle web session").derive(secret)
        self._fernet = Fernet(base64.urlsafe_b64encode(key))
        # Browsers share cookies between the ports of a host: two installations on one machine must not undo each other's sign-in.
        self.cookie_name = f"trestle_session_{hashlib.sha256(key).hexdigest()[:8]}"
        self._open: dict[str, Session] = {}
        self._tickets: dict[str, tuple[Session, float]] = {}

    def open(self, tokens: Tokens, user: User) -> Session:
        """A new session for somebody who has just proved who they are."""
        session = Session(secrets.token_urlsafe(18), user, tokens.access_token, tokens.refresh_token, time.time() + tokens.expires_in)
        self._keep(session)
        return session

    def get(self, session_id: str) -> Session | None:
        """The open session of this id; None when it has ended or was never read from its cookie."""
        session = self._open.get(session_id)
        return None if session is None or session.ended else session

    def end(self, session: Session) -> None:
        """Sign out: the session stays known as ended, so that a copy of its cookie does not bring it back."""
        session.ended = True
        session.access_token = session.refresh_token = ""

    def seal(self, session: Session) -> str:
        """The cookie's value for this session as it is now."""
        session.sealed_generation = session.generation
        content = {
            "id": session.id,
            "user": session.user.model_dump(mode="json"),
            "access": session.access_token,
            "refresh": session.refresh_token,
            "expires_at": session.expires_at,
            "generation": session.generation,
        }
        return self._fernet.encrypt(orjson.dumps(content)).decode()

    def unseal(self, cookie: str) -> Session | None:
        """The session that a cookie stands for; None when it is not ours, too old, or was ended."""
        try:
            content = orjson.loads(self._fernet.decrypt(cookie.encode(), ttl=COOKIE_DAYS * 86_400))
        except (InvalidToken, ValueError):
            return None
        known = self._open.get(content["id"])
        if known is not None and (known.ended or known.generation >= content["generation"]):
            return None if known.ended else known
        session = Session(
            content["id"],
            User.model_validate(content["user"]),
            content["access"],
            content["refresh"],
            content["expires_at"],
            content["generation"],
            content["generation"],
        )
        self._keep(session)
        return session

    def ticket(self, session: Session) -> str:
        """A word, good once and for half a minute, that a page trades for the session's cookie."""
        now = time.monotonic()
        self._tickets = {word: held for word, held in self._tickets.items() if held[1] > now}
        word = secrets.token_urlsafe(24)
        self._tickets[word] = (session, now + TICKET_S)
        return word

    def redeem(self, ticket: str) -> Session | None:
        """The session of a ticket, which is spent by this."""
        session, until = self._tickets.pop(ticket, (None, 0.0))
        return session if session is not None and until > time.monotonic() and not session.ended else None

    def _keep(self, session: Session) -> None:
        # The oldest go first; whoever still has the cookie comes back by it.
        while len(self._open) >= MAX_SESSIONS:
            self._open.pop(next(iter(self._open)))
        self._open[session.id] = session
