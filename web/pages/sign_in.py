"""Signing in, and signing up on a fresh installation."""

import json
from typing import Any

import reflex as rx
from reflex.event import EventSpec

from trestle.contracts.problems import ProblemType
from web import signing_in
from web.access import SIGN_IN, safe_path
from web.backend import ApiError
from web.components.brand import wordmark
from web.components.feedback import notice, problem
from web.components.field import field
from web.components.submitting import Submitting, form
from web.services import services

_WRONG_CODE = "This code is not right, or was used before. Type the one that your app shows now."
_WRONG_RECOVERY_CODE = "This recovery code is not right, or was used before."
_REASONS = {
    "expired": "Your session has ended. Sign in to go on where you were.",
    "late": "That took too long. Please sign in again.",
    "out": "You are signed out.",
}


class Door(Submitting, rx.State):
    """The forms' state. What is typed into them never comes back to the browser."""

    reason: str = ""
    first: bool = False
    may_join: bool = True
    invited: str = ""  # the address that an invitation is for
    step: str = ""  # "code" or "recovery" once the password was right and the second factor is asked for
    attempt: int = 0  # grows with every wrong code, which empties its field

    @rx.event
    async def arrive(self) -> EventSpec | None:
        """Say why one is here, when it was not on purpose; on a fresh installation, lead to the first account."""
        self.error, self.busy, self.step = "", False, ""
        asked = self.router.url.query_parameters
        self.invited = asked.get("email", "")[:320] if "invitation" in asked else ""
        self.reason = _REASONS.get(asked.get("reason", ""), "")
        try:
            who = await signing_in.registration(services().backend)
        except ApiError as error:
            self.error = str(error)
            return None
        self.first, self.may_join = who.first, who.open or "invitation" in asked
        target: EventSpec | None = rx.redirect("/sign-up", replace=True) if who.first and self.router.url.path == SIGN_IN else None
        return target

    @rx.event
    async def sign_in(self, form: dict[str, Any]) -> Any:
        """Check email and password, then the code where one is asked for, and let the browser in."""
        if not self._begins(form):
            return
        yield
        with self._submitted():
            try:
                yield await self._enter(*(str(form.get(key, "")) for key in ("email", "password", "totp_code")))
            except ApiError as error:
                self._refused(error)

    def _refused(self, error: ApiError) -> None:
        if error.problem.type == ProblemType.SECOND_FACTOR_REQUIRED:
            self.step, self.reason = "code", ""
        elif error.problem.type == ProblemType.SECOND_FACTOR_WRONG:
            self.attempt += 1
            self.error = _WRONG_CODE if self.step == "code" else _WRONG_RECOVERY_CODE
        elif error.status == 401:
            self.step, self.error = "", "Email or password is wrong."
        else:
            self.error = str(error)

    @rx.event
    def go(self, step: str) -> None:
        """To another of the ways to show a second factor, or back to the password."""
        self.step, self.error = step, ""

    @rx.event
    async def sign_up(self, form: dict[str, Any]) -> Any:
        """Create the account and sign in with it."""
        if not self._begins(form):
            return
        yield
        name, email, password = (str(form.get(key, "")) for key in ("name", "email", "password"))
        with self._submitted():
            invitation = self.router.url.query_parameters.get("invitation", "")
            await signing_in.sign_up(services().backend, name=name.strip(), email=email.strip(), password=password, invitation=invitation)
            yield await self._enter(email, password, "")

    async def _enter(self, email: str, password: str, code: str) -> EventSpec:
        held = services()
        session = await signing_in.sign_in(
            held.backend, held.sessions, email=email.strip(), password=password, code=code, address=self.router.session.client_ip
        )
        ticket = held.sessions.ticket(session)
        target = safe_path(self.router.url.query_parameters.get("next", ""))
        return rx.call_script(f"trestle.enter({json.dumps(ticket)}, {json.dumps(target)})")


def _door(title: Any, inner: rx.Component, other: rx.Component) -> rx.Component:
    return rx.el.main(
        rx.el.div(
            wordmark(SIGN_IN),
            rx.el.div(
                rx.heading(title, size="4", as_="h1", weight="medium", margin_bottom="16px"),
                inner,
                class_name="t-card",
            ),
            other,
            class_name="t-door-card",
        ),
        class_name="t-door",
    )


def _second_step() -> rx.Component:
    """The code of the second factor, or a recovery code in its place."""
    attempt = Door.attempt.to_string()
    code = field(
        "Code",
        "totp_code",
        auto_complete="one-time-code",
        input_mode="numeric",
        required=True,
        auto_focus=True,
        max_length=7,
        help_text="The six digits that your authenticator app shows for Trestle.",
        id="code",
        key="c" + attempt,
    )
    recovery = field(
        "Recovery code",
        "totp_code",
        auto_complete="off",
        required=True,
        auto_focus=True,
        max_length=64,
        help_text="One of those that you kept when you set this up. Each works once.",
        id="recovery-code",
        key="r" + attempt,
    )
    return rx.cond(Door.step == "code", code, recovery)


def _to(step: str, text: str) -> rx.Component:
    return rx.button(text, type="button", variant="ghost", size="2", on_click=Door.go(step))


def _submit(text: str) -> rx.Component:
    return rx.button(text, type="submit", loading=Door.busy, width="100%")


def sign_in_page() -> rx.Component:
    """Email and password; then, where the account has one, the second factor."""
    at_password = Door.step == ""
    join = rx.text("New here? ", rx.link("Create an account", href="/sign-up"), size="2", align="center", color_scheme="gray")
    other_ways = rx.el.div(
        rx.cond(Door.step == "code", _to("recovery", "Use a recovery code"), _to("code", "Use the authenticator app")),
        _to("", "Back to the password"),
        class_name="t-door-ways",
    )
    return _door(
        rx.cond(at_password, "Sign in", "Two-factor sign-in"),
        form(
            Door,
            rx.el.div(
                notice(Door.reason),
                # They stay in the page, and are sent again with the code: the password is held nowhere else meanwhile.
                rx.el.div(
                    field("Email", "email", type="email", auto_complete="username", required=True, auto_focus=True),
                    field("Password", "password", type="password", auto_complete="current-password", required=True),
                    class_name=rx.cond(at_password, "t-form", "t-gone"),
                ),
                rx.cond(at_password, rx.fragment(), _second_step()),
                problem(Door.error),
                _submit("Sign in"),
                class_name="t-form",
            ),
            on_submit=Door.sign_in,
        ),
        rx.cond(at_password, rx.cond(Door.may_join, join), other_ways),
    )


def _newcomer() -> list[rx.Component]:
    return [
        field("Name", "name", auto_complete="name", required=True, auto_focus=True, max_length=200),
        field("Email", "email", type="email", auto_complete="username", required=True, default_value=Door.invited, key=Door.invited),
        field(
            "Password",
            "password",
            type="password",
            auto_complete="new-password",
            required=True,
            min_length=8,
            help_text="At least 8 characters.",
        ),
    ]


def sign_up_page() -> rx.Component:
    """The first account of an installation, or one where registration is open."""
    return _door(
        "Create your account",
        form(
            Door,
            rx.el.div(
                notice(
                    rx.cond(
                        Door.may_join,
                        rx.cond(Door.first, "Welcome. The first account owns this installation.", ""),
                        "New accounts are by invitation here. Ask an admin of this installation for one.",
                    )
                ),
                # It stays in the page: who comes back with an invitation may type before the server has said that it is one.
                rx.el.div(*_newcomer(), class_name=rx.cond(Door.may_join, "t-form", "t-gone")),
                problem(Door.error),
                rx.cond(Door.may_join, _submit("Create account")),
                class_name="t-form",
            ),
            on_submit=Door.sign_up,
        ),
        rx.text("Have an account? ", rx.link("Sign in", href="/sign-in"), size="2", align="center", color_scheme="gray"),
    )
