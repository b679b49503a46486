"""The members page: projects and who does what in them."""

from dataclasses import dataclass
from typing import Any

import reflex as rx

from trestle.contracts.users import Member, Project, ProjectRole
from web.access import Viewer, signed_in
from web.api import Api
from web.components.dialog import Dialogs, confirm_dialog, form_dialog, opened_by
from web.components.feedback import empty_state
from web.components.field import choice, field
from web.components.listing import Listing, listing
from web.components.settings_tabs import about, settings_page
from web.components.submitting import Wrong
from web.components.table import actions_cell, cell, row, table
from web.pages.people import People, people, people_dialogs
from web.projects import Choice, project_choice, project_choices

ROLES = [
    Choice(ProjectRole.ADMIN, "Admin: also members"),
    Choice(ProjectRole.EDITOR, "Editor: changes workflows"),
    Choice(ProjectRole.OPERATOR, "Operator: runs them"),
    Choice(ProjectRole.VIEWER, "Viewer: looks"),
]


@dataclass
class Row:
    """A member as the table shows it."""

    id: str
    name: str
    email: str
    role: str
    labels: str


def shown(found: Member) -> Row:
    """A member as a row."""
    return Row(str(found.user_id), found.name, found.email, found.role.capitalize(), ", ".join(found.labels))


def labels_of(text: str) -> list[str]:
    """Labels as they are typed: separated by commas, each once."""
    return list(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))


async def _account(api: Api, email: str) -> str:
    """The id of the person with this address. Raises Wrong where there is none."""
    person = await api.user_of(email)
    if person is None:
        raise Wrong("Nobody here has this address. They need an account first: an admin of this installation can invite them.")
    return str(person.id)


class Members(Listing, Dialogs, rx.State):
    """The projects, and the members of the one that is chosen. Its dialogs: "create", "rename", "delete"; "add", "edit", "remove"."""

    projects: list[Choice] = []
    project_id: str = ""
    project_name: str = ""
    personal: bool = True
    administers: bool = False
    rows: list[Row] = []
    roles: list[Choice] = ROLES
    target_labels: str = ""
    role: str = ProjectRole.EDITOR
    form: int = 0
    _known: dict[str, Project] = {}

    @rx.event
    async def load(self) -> None:
        """Fetch projects and members."""
        api = signed_in(self)
        self.dialog = ""  # it was open when the page was loaded again
        with self._fetching():
            await self._load(api)

    async def _load(self, api: Api, project_id: str = "") -> None:
        found = await api.projects()
        self._known = {str(one.id): one for one in found}
        self.projects = project_choices(found)
        wanted = project_id or self.project_id
        if wanted not in self._known:
            shared = [ident for ident, one in self._known.items() if not one.personal]
            wanted = (shared or list(self._known))[0]
        await self._choose(api, wanted)

    async def _choose(self, api: Api, project_id: str) -> None:
        found = await api.project(project_id)
        self.project_id, self.project_name, self.personal = project_id, found.name, found.personal
        self.administers = found.role == ProjectRole.ADMIN and not found.personal
        self.rows = [shown(member) for member in found.members]

    @rx.event
    async def choose(self, project_id: str) -> None:
        """Another project."""
        api = signed_in(self)
        with self._fetching():
            await self._choose(api, project_id)

    @rx.event
    def ask(self, dialog: str, user_id: str) -> None:
        """Open a dialog, about a member where it is about one."""
        signed_in(self)
        about_whom = next((found for found in self.rows if found.id == user_id), None)
        self._open(dialog, user_id, about_whom.email if about_whom else "")
        self.target_labels = about_whom.labels if about_whom else ""
        self.role = about_whom.role.lower() if about_whom else ProjectRole.EDITOR
        self.form += 1

    @rx.event
    def set_role(self, role: str) -> None:
        """The role in the open form."""
        signed_in(self)
        self.role = role

    @rx.event
    async def save_project(self, form: dict[str, Any]) -> Any:
        """Create a project, or rename the one that is chosen."""
        api = signed_in(self)
        if not self._begins(form):
            return
        yield
        name = str(form.get("name", "")).strip()
        with self._doing():
            if self.dialog == "create":
                made = await api.call("POST", "/projects", json={"name": name})
                await self._load(api, made["id"])
            else:
                await api.call("PATCH", f"/projects/{self.project_id}", json={"name": name})
                await self._load(api)
        if not self.error:
            yield rx.toast.success(f"“{name}” is saved")

    @rx.event
    async def delete_project(self, form: dict[str, Any]) -> Any:
        """Delete the project that was asked about."""
        api = signed_in(self)
        if not self._begins(form):
            return
        yield
        name = self.project_name
        with self._doing():
            await api.call("DELETE", f"/projects/{self.project_id}")
            await self._load(api)
        if not self.error:
            yield rx.toast.success(f"“{name}” is deleted")

    @rx.event
    async def save_member(self, form: dict[str, Any]) -> Any:
        """Add somebody by their address, or change a member."""
        api = signed_in(self)
        if not self._begins(form):
            return
        yield
        user_id, email = self.target_id, self.target_name
        with self._doing():
            if not user_id:
                email = str(form.get("email", "")).strip()
                user_id = await _account(api, email)
            body = {"role": self.role, "labels": labels_of(str(form.get("labels", "")))}
            await api.call("PUT", f"/projects/{self.project_id}/members/{user_id}", json=body)
            await self._load(api)
        if not self.error:
            yield rx.toast.success(f"{email} is a member")

    @rx.event
    async def remove_member(self, form: dict[str, Any]) -> Any:
        """Take the member out that was asked about; oneself too."""
        api = signed_in(self)
        if not self._begins(form):
            return
        yield
        with self._doing():
            await api.call("DELETE", f"/projects/{self.project_id}/members/{self.target_id}")
            await self._load(api)
        if not self.error:
            yield rx.toast.success(f"{self.target_name} is no member any more")


def _row(member: Row) -> rx.Component:
    oneself = member.email == Viewer.email
    return row(
        cell(
            rx.el.span(member.name, rx.cond(oneself, " (you)", ""), class_name="t-strong"),
            rx.el.span(member.email, class_name="t-small"),
            kind="t-name",
        ),
        cell(rx.el.span(member.labels, class_name="t-muted"), kind="t-fit t-below"),
        cell(rx.el.span(member.role, class_name="t-muted"), kind="t-fit"),
        rx.cond(
            Members.administers,
            actions_cell(
                member.email,
                rx.menu.item("Role and labels", on_select=Members.ask("edit", member.id)),
                rx.menu.separator(),
                rx.menu.item("Remove", color_scheme="red", on_select=Members.ask("remove", member.id)),
            ),
            rx.cond(
                oneself & ~Members.personal,
                actions_cell(member.email, rx.menu.item("Leave", color_scheme="red", on_select=Members.ask("remove", member.id))),
                cell(kind="t-end"),
            ),
        ),
        key=member.id,
    )


def _project_actions() -> rx.Component:
    return rx.cond(
        Members.administers,
        rx.fragment(
            rx.button("Rename", variant="soft", color_scheme="gray", on_click=Members.ask("rename", "")),
            rx.button("Delete", variant="soft", color_scheme="red", on_click=Members.ask("delete", "")),
            rx.button(rx.icon("user-plus", size=16), "Add a member", on_click=Members.ask("add", "")),
        ),
    )


def _dialogs() -> rx.Component:
    key = Members.form.to_string()
    is_new, adds = Members.dialog == "create", Members.dialog == "add"
    return rx.fragment(
        form_dialog(
            field("Name", "name", default_value=rx.cond(is_new, "", Members.project_name), required=True, max_length=200, key="p" + key),
            title=rx.cond(is_new, "New project", "Rename the project"),
            submit=rx.cond(is_new, "Create", "Save"),
            on_submit=Members.save_project,
            **opened_by(Members, "create", "rename"),
        ),
        form_dialog(
            rx.cond(adds, field("Email", "email", type="email", required=True, auto_complete="off", key="e" + key)),
            choice("Role", "role", Members.roles, value=Members.role, on_change=Members.set_role),
            field(
                "Labels",
                "labels",
                default_value=Members.target_labels,
                placeholder="sales, on call",
                help_text="What notifications and approvals may address besides the role.",
                key="l" + key,
            ),
            title=rx.cond(adds, f"Add a member to “{Members.project_name}”", Members.target_name),
            submit=rx.cond(adds, "Add", "Save"),
            on_submit=Members.save_member,
            **opened_by(Members, "add", "edit"),
        ),
        confirm_dialog(
            f"Remove {Members.target_name}?",
            f"They no longer see “{Members.project_name}” and what is in it. Their API keys for it stop working.",
            confirm="Remove",
            on_confirm=Members.remove_member,
            **opened_by(Members, "remove"),
        ),
        confirm_dialog(
            f"Delete “{Members.project_name}”?",
            "With it go its workflows, executions, credentials, variables and API keys. This can't be undone.",
            confirm="Delete project",
            on_confirm=Members.delete_project,
            **opened_by(Members, "delete"),
        ),
    )


def page() -> rx.Component:
    """The page."""
    alone = empty_state(
        "users",
        "Your personal project is yours alone",
        "To work together, make a project: whoever you add sees its workflows and does there what their role allows.",
        rx.button(rx.icon("plus", size=16), "New project", on_click=Members.ask("create", "")),
    )
    members = table(["Member", "Labels", "Role", ""], rx.foreach(Members.rows, _row), "Members")
    return settings_page(
        "Members",
        about("Workflows, credentials and variables belong to projects. A member's role says what they may do there."),
        rx.el.div(project_choice(Members.projects, Members.project_id, Members.choose), _project_actions(), class_name="t-part-head"),
        listing(Members, members, none=Members.personal, empty=alone, retry=[Members.load, People.load]),
        people(),
        _dialogs(),
        people_dialogs(),
        actions=(rx.button(rx.icon("plus", size=16), "New project", variant="soft", on_click=Members.ask("create", "")),),
    )
