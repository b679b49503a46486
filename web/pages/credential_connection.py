"""What an OAuth2 credential's form shows of its connection: to whom, until when, and the ways to make it and to end it."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import reflex as rx

from trestle.contracts.credentials import OAUTH2, OAUTH2_CALLBACK, Authorization, Credential, Disconnected
from web.access import signed_in
from web.api import Api
from web.backend import ApiError
from web.components.browser import local_time
from web.components.copying import copied
from web.components.feedback import problem
from web.components.popup import popup_button
from web.services import services

SOURCE = "trestle-oauth2"
"""What the page calls itself to which the provider sends people back."""


def is_by_hand(kind: str, fields: Mapping[str, Any]) -> bool:
    """Whether a person has to connect a credential of this type with these fields."""
    return kind == OAUTH2 and fields.get("grant", "authorization_code") == "authorization_code"


def standing(credential: Credential) -> str:
    """One of: connected, again (it was, and must be connected anew), itself (needs nobody), not."""
    if credential.problem:
        return "again"
    if not is_by_hand(credential.type, credential.fields):
        return "itself"
    return "connected" if credential.connected else "not"


def in_short(credential: Credential) -> str:
    """The same in a row of the table; empty where nobody connects it."""
    words = {"again": "Connect again", "not": "Not connected", "connected": "Connected"}
    return words.get(standing(credential), "") if credential.type == OAUTH2 else ""


def connection_badge(words: Any) -> rx.Component:
    """`in_short`, drawn."""
    color = rx.match(words, ("Connect again", "red"), ("Connected", "green"), "gray")
    return rx.cond(words != "", rx.badge(words, color_scheme=color, variant="soft", class_name="t-connection-badge"))


class Connection(rx.State):
    """The connection of the credential whose form is open. No token comes near it."""

    target_id: str = ""
    redirect_url: str = ""
    origin: str = ""
    standing: str = ""
    account: str = ""
    until: str = ""
    trouble: str = ""
    url: str = ""
    is_blocked: bool = False
    waiting: bool = False
    error: str = ""

    def _begin(self, kept: Credential | None) -> None:
        public_url = services().settings.public_url
        parts = urlsplit(public_url)
        self.origin, self.redirect_url = f"{parts.scheme}://{parts.netloc}", public_url + OAUTH2_CALLBACK
        self.target_id, self.error = str(kept.id) if kept else "", ""
        self._forget_way()
        self._see(kept)

    def _see(self, found: Credential | None) -> None:
        self.standing, self.account = (standing(found), found.account or "") if found else ("", "")
        self.until = found.expires_at.replace(second=0).isoformat("T", "seconds") if found and found.expires_at and found.connected else ""
        self.trouble = found.problem or "" if found else ""

    async def _look(self, api: Api) -> None:
        self._see(await api.credential(self.target_id))

    def _forget_way(self) -> None:
        self.url, self.is_blocked, self.waiting = "", False, False

    @rx.event
    async def ask(self) -> Any:
        """The window is open: where does it go?"""
        api = signed_in(self)
        self._forget_way()
        self.error, self.waiting = "", True
        yield
        try:
            answer = await api.call("GET", "/credentials/oauth2/authorize", params={"credential_id": self.target_id})
            self.url = Authorization.model_validate(answer).url
        except ApiError as error:
            self.error = str(error)
        finally:
            self.waiting = False

    @rx.event
    def blocked(self) -> None:
        """The browser opened no window: a link does as well."""
        signed_in(self)
        self.is_blocked = True

    @rx.event
    async def told(self, went_well: str, message: str) -> Any:
        """The window says what came of it. What is shown comes from the backend all the same."""
        api = signed_in(self)
        self._forget_way()
        await self._look(api)
        self.error = "" if went_well == "yes" else message
        return rx.toast.success("It is connected") if self.standing == "connected" and not self.error else None

    @rx.event
    async def come_back(self) -> None:
        """The person is back on this page, perhaps with the work done."""
        before = self.standing
        await self._look(signed_in(self))
        if self.standing == "connected" and before != "connected":
            self._forget_way()

    @rx.event
    async def disconnect(self) -> Any:
        """Forget what the provider gave."""
        api = signed_in(self)
        try:
            told = Disconnected.model_validate(await api.call("POST", f"/credentials/{self.target_id}/disconnect"))
        except ApiError as error:
            self.error = str(error)
            return None
        self._forget_way()
        self.error = ""
        await self._look(api)
        return (rx.toast.success if told.withdrawn else rx.toast.info)(told.message, duration=8000)


async def show_connection(state: rx.State, kept: Credential | None) -> None:
    """What a form that opens shows of a credential's connection; of a new one, where providers send people back to."""
    (await state.get_state(Connection))._begin(kept)


def connection_panel(credential_id: Any, on_changed: Any) -> rx.Component:
    """The connection of a credential in its form; empty id: of a new one. `on_changed`: the page may show something else now."""
    return rx.el.section(
        rx.cond(
            credential_id == "",
            rx.text("Once it is saved, you connect it here.", size="2", color_scheme="gray"),
            rx.fragment(_standing(), _blocked(), problem(Connection.error), _ways(on_changed)),
        ),
        _redirect(),
        class_name="t-connection",
        custom_attrs={"aria-label": "Connection", "data-standing": Connection.standing},
    )


def _standing() -> rx.Component:
    return rx.el.div(
        rx.match(
            Connection.standing,
            (
                "connected",
                _line(
                    "circle-check",
                    "green",
                    rx.cond(Connection.account != "", f"Connected as {Connection.account}", "Connected"),
                    rx.cond(
                        Connection.until != "",
                        rx.fragment("Its token is good until ", local_time(Connection.until), "; Trestle renews it by itself."),
                        "Its token does not run out by itself.",
                    ),
                ),
            ),
            ("again", _line("circle-alert", "red", "It must be connected again", Connection.trouble)),
            ("itself", _line("circle-dashed", "gray", "Not connected yet", "Save it as it is now; then you connect it here.")),
            ("not", _line("circle-dashed", "gray", "Not connected yet", "Steps that use it fail until it is.")),
            rx.skeleton(height="40px", width="100%"),
        ),
        role="status",
    )


def _line(icon: str, color: str, title: Any, *details: Any) -> rx.Component:
    return rx.el.div(
        rx.icon(icon, size=18, color=f"var(--{color}-10)"),
        rx.el.div(rx.el.strong(title), rx.el.span(*details, class_name="t-small")),
        class_name="t-connection-line",
    )


def _blocked() -> rx.Component:
    # `opener` keeps the tie by which the page says that it is done; it is the provider that the person chose.
    link = rx.el.a("Open the provider’s page", href=Connection.url, target="_blank", rel="opener", class_name="t-connection-link")
    told = rx.callout.text("Your browser blocked the window. ", link)
    return rx.cond(
        Connection.is_blocked,
        rx.callout.root(rx.callout.icon(rx.icon("app-window", size=16)), told, size="1", color_scheme="amber", role="status"),
    )


def _ways(on_changed: Any) -> rx.Component:
    was_connected = (Connection.standing == "connected") | (Connection.standing == "again")
    connect = popup_button(
        label=rx.match(Connection.standing, ("connected", "Reconnect"), ("again", "Connect again"), "Connect"),
        variant=rx.cond(Connection.standing == "connected", "soft", "solid"),
        size="2",
        url=Connection.url,
        origin=Connection.origin,
        source=SOURCE,
        waiting=Connection.waiting,
        on_ask=Connection.ask,
        on_blocked=Connection.blocked,
        on_told=[Connection.told, on_changed],
        on_look=[Connection.come_back, on_changed],
    )
    disconnect = rx.button(
        "Disconnect", type="button", variant="soft", color_scheme="gray", on_click=[Connection.disconnect, on_changed], size="2"
    )
    return rx.cond(
        (Connection.standing != "itself") & (Connection.standing != ""),
        rx.el.div(connect, rx.cond(was_connected, disconnect), class_name="t-connection-ways"),
    )


def _redirect() -> rx.Component:
    return rx.el.div(
        rx.el.span("Redirect address", class_name="t-field-label"),
        rx.el.div(
            rx.el.code(Connection.redirect_url, custom_attrs={"data-testid": "redirect-url"}),
            rx.icon_button(
                rx.icon("copy", size=14),
                type="button",
                variant="soft",
                on_click=copied(Connection.redirect_url),
                title="Copy",
                custom_attrs={"aria-label": "Copy the redirect address"},
            ),
            class_name="t-once",
        ),
        rx.el.span("Register it at the provider for your client, exactly as it is.", class_name="t-small"),
        class_name="t-field",
    )
