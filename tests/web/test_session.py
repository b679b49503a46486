"""Sessions: what the cookie holds, what a restart brings back, and what it does not."""

from __future__ import annotations

from tests.web.conftest import ADA, KEY, tokens
from web.session import Session, Sessions


def test_a_restart_keeps_people_signed_in(sessions: Sessions, session: Session) -> None:
    cookie = sessions.seal(session)
    found = Sessions(KEY.encode()).unseal(cookie)
    assert found is not None
    assert (found.id, found.user, found.refresh_token, found.generation) == (session.id, ADA, "refresh-1", 0)


def test_the_cookie_shows_nothing_and_can_not_be_changed(sessions: Sessions, session: Session) -> None:
    cookie = sessions.seal(session)
    assert "refresh" not in cookie
    assert "ada" not in cookie
    assert sessions.unseal(cookie[:-4] + "AAAA") is None
    assert sessions.unseal("nonsense") is None
    assert Sessions(b"another key that is long enough for this").unseal(cookie) is None


def test_of_two_copies_the_later_one_counts(sessions: Sessions, session: Session) -> None:
    old = sessions.seal(session)
    session.renew(tokens(2))
    assert sessions.unseal(old) is session
    # Another process that knows the older one takes the newer one from the cookie.
    other = Sessions(KEY.encode())
    other.unseal(old)
    found = other.unseal(sessions.seal(session))
    assert found is not None
    assert found.refresh_token == "refresh-2"


def test_a_copied_cookie_is_no_use_after_signing_out(sessions: Sessions, session: Session) -> None:
    cookie = sessions.seal(session)
    sessions.end(session)
    assert sessions.unseal(cookie) is None
    assert sessions.get(session.id) is None


def test_a_ticket_is_good_once(sessions: Sessions, session: Session) -> None:
    ticket = sessions.ticket(session)
    assert sessions.redeem(ticket) is session
    assert sessions.redeem(ticket) is None
    assert sessions.redeem("guessed") is None


def test_an_ended_session_has_no_ticket(sessions: Sessions, session: Session) -> None:
    ticket = sessions.ticket(session)
    sessions.end(session)
    assert sessions.redeem(ticket) is None


def test_two_installations_on_one_host_have_cookies_of_their_own(sessions: Sessions) -> None:
    assert sessions.cookie_name != Sessions(b"another key that is long enough for this").cookie_name
