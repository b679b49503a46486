"""Everybody with an account on this installation, for its owners and admins: roles, invitations, switching accounts off."""

from dataclasses import dataclass
from typing import Any

import reflex as rx

from trestle.contracts.base import JsonObject
from trestle.contracts.users import Role, User
from web.access import Viewer, signed_in
from web.api import Api
from web.components.browser import relative_time
from web.components.dialog import Dialogs, confirm_dialog, form_dialog, opened_by, shown_once
from web.components.field import choice, field
from web.components.table import actions_cell, cell, row, table
from web.projects import Choice

ROLES = [
    Choice(Role.MEMBER, "Member: works in projects"),
    Choice(Role.ADMIN, "Admin: invites people, reads the audit"),
    Choice(Role.OWNER, "Owner: also makes owners"),
]


@dataclass
class Row:
    """An account as the table shows it."""

    id: str
    name: str
    email: str
    role: str
    active: bool
    two_factor: bool
    created_at: str
    may_change: bool


def shown(found: User, viewer: User) -> Row:
    """An account as a row. Owners are changed by owners only, and nobody switches themselves off by mistake."""
    may = found.id != viewer.id and (found.role != Role.OWNER or viewer.role == Role.OWNER)
    role = found.role.capitalize()
    return Row(str(found.id), found.name, found.email, role, found.active, found.two_factor, found.created_at.isoformat(), may)


class People(Dialogs, rx.State):
    """The table and its dialogs: "invite" and "link"; "role", "factor" and "off"."""

    rows: list[Row] = []
    roles: list[Choice] = ROLES
    role: str = Role.MEMBER
    link: str = ""

    @rx.event
    async def load(self) -> None:
        """Fetch everybody, where the person may know."""
        api = signed_in(self)
        self.dialog = ""  # it was open when the page was loaded again
        if api.session.user.role == Role.MEMBER:
            self.rows = []
            return
        await self._load(api)

    async def _load(self, api: Api) -> None:
        viewer = api.session.user
        self.roles = [role for role in ROLES if role.value != Role.OWNER or viewer.role == Role.OWNER]
        self.rows = [shown(found, viewer) for found in await api.users()]

    @rx.event
    def ask(self, dialog: str, user_id: str) -> None:
        """Open a dialog, about somebody where it is about one."""
        signed_in(self)
        about_whom = next((found for found in self.rows if found.id == user_id), None)
        self._open(dialog, user_id, about_whom.email if about_whom else "")
        self.link = ""
        self.role = about_whom.role.lower() if about_whom else Role.MEMBER

    @rx.event
    def set_role(self, role: str) -> None:
        """The role in the open form."""
        signed_in(self)
        self.role = role

    @rx.event
    def close(self, is_open: bool) -> None:
        """A dialog was dismissed; a link that was shown is forgotten here."""
        signed_in(self)
        if not is_open:
            self.dialog, self.link = "", ""

    @rx.event
    async def invite(self, form: dict[str, Any]) -> Any:
        """Make a link for somebody to sign up with."""
        api = signed_in(self)
        if not self._begins(form):
            return
        yield
        email = str(form.get("email", "")).strip()
        with self._doing():
            made = await api.invite(email, self.role)
        if self.error:
            return
        self._open("link", target_name=email)
        self.link = made.url

    @rx.event
    async def save_role(self, form: dict[str, Any]) -> Any:
        """Another role for somebody."""
        api = signed_in(self)
        if not self._begins(form):
            return
        yield
        yield await self._change(api, {"role": self.role}, "has another role now")

    @rx.event
    async def switch_off(self, form: dict[str, Any]) -> Any:
        """End somebody's sessions and let them in no more."""
        api = signed_in(self)
        if not self._begins(form):
            return
        yield
        yield await self._change(api, {"active": False}, "is switched off")

    @rx.event
    async def reset_two_factor(self, form: dict[str, Any]) -> Any:
        """Let somebody in with the password alone, who lost phone and recovery codes."""
        api = signed_in(self)
        if not self._begins(form):
            return
        yield
        yield await self._change(api, {"two_factor": False}, "signs in with the password alone")

    @rx.event
    async def switch_on(self, user_id: str, email: str) -> Any:
        """Let somebody in again."""
        api = signed_in(self)
        self._open("", user_id, email)
        return await self._change(api, {"active": True}, "may sign in again")

    async def _change(self, api: Api, change: JsonObject, said: str) -> Any:
        email = self.target_name
        with self._doing():
            await api.call("PATCH", f"/users/{self.target_id}", json=change)
        if self.error:
            return rx.toast.error(self.error) if not self.dialog else None
        await self._load(api)
        return rx.toast.success(f"{email} {said}")


def _row(person: Row) -> rx.Component:
    return row(
        cell(
            rx.el.span(person.name, rx.cond(person.email == Viewer.email, " (you)", ""), class_name="t-strong"),
            rx.el.span(person.email, class_name="t-small"),
            kind="t-name",
        ),
        cell(
            rx.cond(
                person.active,
                rx.el.span(
                    "Joined ", relative_time(person.created_at), rx.cond(person.two_factor, " · two-factor", ""), class_name="t-muted"
                ),
                rx.el.span("Switched off", class_name="t-bad"),
            ),
            kind="t-fit t-below",
        ),
        cell(rx.el.span(person.role, class_name="t-muted"), kind="t-fit"),
        rx.cond(
            person.may_change,
            actions_cell(
                person.email,
                rx.menu.item("Change the role", on_select=People.ask("role", person.id)),
                rx.cond(person.two_factor, rx.menu.item("Reset two-factor sign-in", on_select=People.ask("factor", person.id))),
                rx.cond(
                    person.active,
                    rx.menu.item("Switch off", color_scheme="red", on_select=People.ask("off", person.id)),
                    rx.menu.item("Switch on", on_select=People.switch_on(person.id, person.email)),
                ),
            ),
            cell(kind="t-end"),
        ),
        key=person.id,
    )


def people() -> rx.Component:
    """The part of the page for owners and admins of the instance; nothing for others."""
    return rx.cond(
        Viewer.administers,
        rx.el.section(
            rx.el.div(
                rx.heading("Everybody on this installation", size="3", as_="h2", weight="medium"),
                rx.button(rx.icon("mail-plus", size=16), "Invite somebody", variant="soft", on_click=People.ask("invite", "")),
                class_name="t-part-head",
            ),
            rx.cond(People.rows.length() > 0, table(["Account", "", "Role", ""], rx.foreach(People.rows, _row), "Everybody")),
            class_name="t-part",
        ),
    )


def people_dialogs() -> rx.Component:
    """Its dialogs."""
    roles = choice("Role", "instance_role", People.roles, value=People.role, on_change=People.set_role)
    return rx.fragment(
        form_dialog(
            field("Email", "email", type="email", required=True, auto_complete="off", id="invited"),
            roles,
            title="Invite somebody",
            submit="Make a link",
            on_submit=People.invite,
            **opened_by(People, "invite"),
        ),
        form_dialog(roles, title=People.target_name, submit="Save", on_submit=People.save_role, **opened_by(People, "role")),
        shown_once(
            f"A link for {People.target_name}",
            "Send it to them. It is good for seven days, for this address only. Nothing was sent by Trestle.",
            People.link,
            is_open=People.dialog == "link",
            on_open_change=People.close,
        ),
        confirm_dialog(
            f"Reset the two-factor sign-in of {People.target_name}?",
            "Their sessions end, and their password alone lets them in until they set it up again. Make sure that it is they who ask.",
            confirm="Reset",
            on_confirm=People.reset_two_factor,
            **opened_by(People, "factor"),
        ),
        confirm_dialog(
            f"Switch off {People.target_name}?",
            "Their sessions end and their API keys stop working. What they made stays. You can switch them on again.",
            confirm="Switch off",
            on_confirm=People.switch_off,
            **opened_by(People, "off"),
        ),
    )
