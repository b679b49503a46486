"""Two-factor sign-in on the settings page: setting it up step by step, recovery codes, switching it off."""

from typing import Any

import reflex as rx

from web.access import signed_in
from web.api import Api
from web.components.copying import copied
from web.components.dialog import form_dialog
from web.components.field import field
from web.components.qr import QrCode, encoded, qr_code
from web.components.submitting import Submitting


def in_groups(secret: str) -> str:
    """A key in groups of four characters, to be typed."""
    return " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))


class TwoFactor(Submitting, rx.State):
    """Whether it is on, and the dialog that is open. A key and codes are held for as long as they are shown."""

    loaded: bool = False
    active: bool = False
    codes_left: int = 0
    dialog: str = ""  # "password", "scan", "codes", "renew", "off", or none
    key: str = ""
    qr: QrCode = QrCode()
    codes: list[str] = []
    kept: bool = False
    form: int = 0  # grows with every dialog, whose fields begin empty

    @rx.event
    async def load(self) -> None:
        """Fetch how it is."""
        await self._load(signed_in(self))

    async def _load(self, api: Api) -> None:
        found = await api.two_factor()
        self.active, self.codes_left, self.loaded = found.active, found.recovery_codes_left, True
        self._show("")

    def _show(self, dialog: str) -> None:
        self.dialog, self.key, self.qr, self.codes = dialog, "", QrCode(), []
        self.error, self.kept, self.busy = "", False, False
        self.form += 1

    @rx.event
    def ask(self, dialog: str) -> None:
        """Open a dialog."""
        signed_in(self)
        self._show(dialog)

    @rx.event
    def close(self, is_open: bool) -> None:
        """A dialog was dismissed. Recovery codes stay until somebody says that they are kept."""
        signed_in(self)
        if not is_open and self.dialog != "codes":
            self._show("")

    @rx.event
    async def begin(self, form: dict[str, Any]) -> Any:
        """Offer a key, for the password."""
        api = signed_in(self)
        if not self._begins(form):
            return
        yield
        with self._submitted():
            offer = await api.enrol_two_factor(str(form.get("current_password", "")))
            self._show("scan")
            self.key, self.qr = in_groups(offer.secret), encoded(offer.otpauth_url)

    @rx.event
    async def verify(self, form: dict[str, Any]) -> Any:
        """Switch it on, for the first code."""
        api = signed_in(self)
        if not self._begins(form):
            return
        yield
        with self._submitted():
            codes = await api.verify_two_factor(str(form.get("code", "")))
            await self._load(api)
            self._show_codes(codes)

    @rx.event
    async def renew(self, form: dict[str, Any]) -> Any:
        """New recovery codes."""
        api = signed_in(self)
        if not self._begins(form):
            return
        yield
        with self._submitted():
            codes = await api.renew_recovery_codes(str(form.get("current_password", "")), str(form.get("code", "")))
            await self._load(api)
            self._show_codes(codes)

    def _show_codes(self, codes: list[str]) -> None:
        self._show("codes")
        self.codes = codes

    @rx.event
    def download(self) -> Any:
        """The codes as a file."""
        signed_in(self)
        return rx.download(data="\n".join(self.codes) + "\n", filename="trestle-recovery-codes.txt")

    @rx.event
    def set_kept(self, kept: bool) -> None:
        """The codes are in a safe place."""
        signed_in(self)
        self.kept = kept

    @rx.event
    def done(self) -> Any:
        """The codes go from the screen."""
        signed_in(self)
        self._show("")
        return rx.toast.success("Two-factor sign-in is on")

    @rx.event
    async def switch_off(self, form: dict[str, Any]) -> Any:
        """The password alone from now on."""
        api = signed_in(self)
        if not self._begins(form):
            return
        yield
        with self._submitted():
            await api.switch_two_factor_off(str(form.get("current_password", "")), str(form.get("code", "")))
            await self._load(api)
            yield rx.toast.success("Two-factor sign-in is off")


def two_factor() -> rx.Component:
    """What the section shows, with its dialogs."""
    on = rx.el.div(
        rx.el.p(
            rx.icon("shield-check", size=16),
            rx.el.span(
                "On. ", rx.cond(TwoFactor.codes_left == 1, "1 recovery code is", f"{TwoFactor.codes_left} recovery codes are"), " left."
            ),
            class_name="t-with-icon",
        ),
        rx.el.div(
            rx.button("New recovery codes", variant="soft", on_click=TwoFactor.ask("renew")),
            rx.button("Switch off", variant="soft", color_scheme="red", on_click=TwoFactor.ask("off")),
            class_name="t-buttons",
        ),
        class_name="t-form",
    )
    off = rx.button(rx.icon("shield", size=16), "Set up", variant="soft", on_click=TwoFactor.ask("password"))
    return rx.fragment(rx.cond(TwoFactor.loaded, rx.cond(TwoFactor.active, on, off), rx.skeleton(height="32px", width="96px")), _dialogs())


def _password(form: Any) -> rx.Component:
    return field(
        "Your password",
        "current_password",
        type="password",
        auto_complete="current-password",
        required=True,
        auto_focus=True,
        id="factor-password",
        key="p" + form,
    )


def _dialogs() -> rx.Component:
    form = TwoFactor.form.to_string()
    shared: dict[str, Any] = {"state": TwoFactor, "on_open_change": TwoFactor.close}
    both = (
        _password(form),
        field(
            "Code",
            "code",
            auto_complete="one-time-code",
            required=True,
            max_length=64,
            help_text="From your authenticator app, or a recovery code.",
            id="factor-code",
            key="c" + form,
        ),
    )
    return rx.fragment(
        form_dialog(
            rx.text("You need an authenticator app on your phone. First, show that it is you.", size="2", color_scheme="gray"),
            _password(form),
            title="Set up two-factor sign-in",
            submit="Continue",
            is_open=TwoFactor.dialog == "password",
            on_submit=TwoFactor.begin,
            **shared,
        ),
        form_dialog(
            rx.text("Scan this with your authenticator app, then type the six digits that it shows.", size="2", color_scheme="gray"),
            qr_code(TwoFactor.qr, "QR code for your authenticator app"),
            rx.el.div(
                rx.el.span("Can't scan it? Type this key into the app", class_name="t-field-label"),
                rx.el.div(_code(TwoFactor.key, testid="totp-key"), _copy(TwoFactor.key, "Copy the key"), class_name="t-once"),
                class_name="t-field",
            ),
            field(
                "Code from the app",
                "code",
                auto_complete="one-time-code",
                input_mode="numeric",
                required=True,
                max_length=7,
                auto_focus=True,
                id="first-code",
                key="f" + form,
            ),
            title="Set up two-factor sign-in",
            submit="Switch on",
            is_open=TwoFactor.dialog == "scan",
            on_submit=TwoFactor.verify,
            **shared,
        ),
        form_dialog(
            rx.text("The recovery codes that you have stop working.", size="2", color_scheme="gray"),
            *both,
            title="New recovery codes",
            submit="Make new codes",
            is_open=TwoFactor.dialog == "renew",
            on_submit=TwoFactor.renew,
            **shared,
        ),
        form_dialog(
            rx.text("From then on your password alone lets somebody in.", size="2", color_scheme="gray"),
            *both,
            title="Switch two-factor sign-in off",
            submit="Switch off",
            is_open=TwoFactor.dialog == "off",
            on_submit=TwoFactor.switch_off,
            **shared,
        ),
        _codes_dialog(),
    )


def _code(text: Any, testid: str) -> rx.Component:
    return rx.el.code(text, custom_attrs={"data-testid": testid})


def _copy(text: Any, label: str) -> rx.Component:
    return rx.icon_button(
        rx.icon("copy", size=16),
        type="button",
        variant="soft",
        on_click=copied(text),
        title=label,
        custom_attrs={"aria-label": label},
    )


def _codes_dialog() -> rx.Component:
    text = TwoFactor.codes.join("\n")
    return rx.dialog.root(
        rx.dialog.content(
            rx.dialog.title("Keep these recovery codes"),
            rx.dialog.description(
                "Each lets you in once when you don't have your phone. They are not shown again: print them, or put them into your "
                "password manager."
            ),
            rx.el.ul(
                rx.foreach(TwoFactor.codes, lambda code: rx.el.li(rx.el.code(code))),
                class_name="t-codes",
                custom_attrs={"data-testid": "recovery-codes"},
            ),
            rx.el.div(
                rx.button(
                    rx.icon("copy", size=16),
                    "Copy",
                    variant="soft",
                    on_click=copied(text, "They are copied"),
                ),
                rx.button(
                    rx.icon("download", size=16),
                    "Download",
                    variant="soft",
                    on_click=TwoFactor.download,
                ),
                class_name="t-buttons",
            ),
            rx.el.div(
                rx.el.label(
                    rx.checkbox(id="kept", checked=TwoFactor.kept, on_change=TwoFactor.set_kept),
                    "I have kept them where I find them without my phone",
                    html_for="kept",
                ),
                class_name="t-checks",
                margin_top="16px",
            ),
            rx.el.div(rx.button("Done", disabled=~TwoFactor.kept, on_click=TwoFactor.done), class_name="t-actions"),
            max_width="480px",
        ),
        open=TwoFactor.dialog == "codes",
        on_open_change=TwoFactor.close,
    )
