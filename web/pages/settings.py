"""The settings page: one's own profile, password, and how the product looks."""

from typing import Any

import reflex as rx
from reflex.event import EventSpec
from reflex.style import color_mode, set_color_mode

from web.access import Viewer, signed_in
from web.components.feedback import problem
from web.components.field import field
from web.components.settings_tabs import settings_page
from web.components.submitting import Submitting, form
from web.pages.two_factor import two_factor
from web.services import services
from web.signing_in import registration


class Settings(Submitting, rx.State):
    """The profile's form, and what is told."""

    name: str = ""
    public_url: str = ""
    is_open: bool = False

    @rx.event
    async def arrive(self) -> None:
        """Begin with what is set."""
        api = signed_in(self)
        self.name, self.public_url = api.session.user.name, services().settings.public_url
        password = await self.get_state(Password)
        self.error = password.error = ""
        self.busy = password.busy = False
        self.is_open = (await registration(services().backend)).open

    @rx.event
    async def sign_out_elsewhere(self) -> EventSpec:
        """End the person's other sessions."""
        await signed_in(self).end_other_sessions()
        said: EventSpec = rx.toast.success("You are signed out everywhere else")
        return said

    @rx.event
    async def save_profile(self, form: dict[str, Any]) -> Any:
        """Change the name."""
        api = signed_in(self)
        if not self._begins(form):
            return
        yield
        with self._submitted():
            user = await api.change_me({"name": str(form.get("name", "")).strip()})
            self.name = user.name
            viewer = await self.get_state(Viewer)
            viewer.name, viewer.initial = user.name, user.name[:1]
            yield rx.toast.success("Your profile is saved")


class Password(Submitting, rx.State):
    """The password's form."""

    form: int = 0  # grows with every change of the password, which empties its fields

    @rx.event
    async def save(self, form: dict[str, Any]) -> Any:
        """Change the password."""
        api = signed_in(self)
        if not self._begins(form):
            return
        yield
        with self._submitted():
            await api.change_password(str(form.get("current_password", "")), str(form.get("new_password", "")))
            self.form += 1
            yield rx.toast.success("Your password is changed")


def _section(title: str, text: str, *content: rx.Component) -> rx.Component:
    return rx.el.section(
        rx.el.div(rx.heading(title, size="3", as_="h2", weight="medium"), rx.text(text, size="2", color_scheme="gray")),
        rx.el.div(*content),
        class_name="t-section",
    )


def _fact(name: str, value: Any) -> rx.Component:
    return rx.fragment(rx.el.dt(name), rx.el.dd(value))


def _theme() -> rx.Component:
    return rx.segmented_control.root(
        rx.segmented_control.item("System", value="system"),
        rx.segmented_control.item("Light", value="light"),
        rx.segmented_control.item("Dark", value="dark"),
        value=color_mode,
        on_change=lambda mode: set_color_mode(mode.to(str)),
    )


def page() -> rx.Component:
    """The page."""
    return settings_page(
        "Profile",
        _section(
            "Profile",
            "How you are named here.",
            form(
                Settings,
                rx.el.div(
                    field("Name", "name", default_value=Settings.name, key=Settings.name, required=True, max_length=200),
                    field("Email", "email", value=Viewer.email, read_only=True, variant="soft", color_scheme="gray"),
                    problem(Settings.error),
                    rx.el.div(rx.button("Save profile", type="submit", loading=Settings.busy)),
                    class_name="t-form",
                ),
                on_submit=Settings.save_profile,
            ),
        ),
        _section(
            "Password",
            "8 to 72 characters.",
            form(
                Password,
                rx.el.div(
                    field("Current password", "current_password", type="password", auto_complete="current-password", required=True),
                    field("New password", "new_password", type="password", auto_complete="new-password", required=True, min_length=8),
                    problem(Password.error),
                    rx.el.div(rx.button("Change password", type="submit", variant="soft", loading=Password.busy)),
                    class_name="t-form",
                ),
                on_submit=Password.save,
                key=Password.form.to_string(),
            ),
        ),
        _section("Two-factor sign-in", "Besides the password, a code from your phone: a stolen password is then not enough.", two_factor()),
        _section("Appearance", "Dark, light, or as your system has it.", _theme()),
        _section(
            "Sessions",
            "Where you are signed in. Once signed out, a browser or a program can do nothing more until you sign in there again.",
            rx.el.div(
                rx.button("Sign out here", variant="soft", color_scheme="gray", on_click=rx.call_script("trestle.leave()")),
                rx.button("Sign out everywhere else", variant="soft", color_scheme="gray", on_click=Settings.sign_out_elsewhere),
                class_name="t-buttons",
            ),
        ),
        _section(
            "This installation",
            "What its operator has set.",
            rx.el.dl(
                _fact("Webhooks and the API are called at", rx.el.code(Settings.public_url, class_name="t-address")),
                _fact("New accounts", rx.cond(Settings.is_open, "Whoever wants to may sign up", "By invitation of an owner or admin")),
                _fact("API reference", rx.link(Settings.public_url, "/docs", href=Settings.public_url + "/docs", is_external=True)),
                class_name="t-facts",
            ),
        ),
    )
