"""The dialog that begins a workflow: empty, from a template, or from a document."""

from typing import Any

import reflex as rx

from web.access import signed_in
from web.components.browser import text_file
from web.components.feedback import link_button, problem
from web.components.field import choice, field
from web.components.submitting import Submitting, Wrong, form
from web.projects import Choice, edits, project_choices
from web.remarks import Remark, remarks

MOST_CHARACTERS = 500_000
"""A document that is longer does not go through the page's connection at once; the API takes it."""


class NewWorkflow(Submitting, rx.State):
    """The dialog. `made` is the id of a workflow that was imported with remarks."""

    open: bool = False
    way: str = "blank"  # or "import"
    text: str = ""
    file: str = ""
    made: str = ""
    name: str = ""
    remarks: list[Remark] = []
    projects: list[Choice] = []
    project_id: str = ""

    @rx.event
    async def arrive(self) -> None:
        """The page was opened: with the dialog, where its address says so."""
        found = await signed_in(self).projects()
        self.projects = project_choices(one for one in found if edits(one))
        if self.project_id not in [one.value for one in self.projects]:
            self.project_id = self.projects[0].value if self.projects else ""
        self.open = False  # it was open when the page was loaded again
        wish = self.router.url.query_parameters.get("new", "")
        if wish in ("blank", "import"):
            self._ask(wish)

    @rx.event
    def ask(self, way: str) -> None:
        """Open the dialog at one of its ways."""
        signed_in(self)
        self._ask("import" if way == "import" else "blank")

    def _ask(self, way: str) -> None:
        self.open, self.way, self.error, self.busy = True, way, "", False
        self.text, self.file, self.made, self.remarks = "", "", "", []

    @rx.event
    def set_project(self, project_id: str) -> None:
        """Where the workflow will belong."""
        signed_in(self)
        self.project_id = project_id

    @rx.event
    def close(self, is_open: bool) -> None:
        """It was dismissed."""
        signed_in(self)
        self.open = is_open

    @rx.event
    async def create(self, form: dict[str, Any]) -> Any:
        """Make an empty workflow and open it."""
        api = signed_in(self)
        if not self._begins(form):
            return
        yield
        with self._submitted():
            made = await api.create_workflow(str(form.get("name", "")).strip() or "Untitled workflow", self.project_id)
            self.open = False
            yield rx.redirect(f"/workflows/{made.id}")

    @rx.event
    def take(self, text: str, name: str) -> None:
        """A file was chosen; empty text and a name: it is too long."""
        signed_in(self)
        self.text, self.file = text[:MOST_CHARACTERS], name[:200]
        self.error = "" if text else "This file is empty, or too long to be sent by the page. POST /api/v1/workflows/import takes it."

    @rx.event
    async def bring(self, form: dict[str, Any]) -> Any:
        """Import what was chosen or pasted. Without anything to look at, it opens at once."""
        api = signed_in(self)
        if not self._begins(form):
            return
        yield
        with self._submitted():
            text = self.text or str(form.get("document") or "").strip()
            if not text:
                raise Wrong("Choose a file, or paste a document.")
            answer = await api.import_workflow(text, self.project_id)
            types = await api.node_types() if answer.problems else []
            self.made, self.name, self.remarks = str(answer.workflow.id), answer.workflow.name, remarks(answer, types)
            if not self.remarks:
                self.open = False
                yield rx.redirect(f"/workflows/{self.made}")


def _way(icon: str, title: str, text: str, way: str) -> rx.Component:
    return rx.el.button(
        rx.icon(icon, size=18),
        rx.el.b(title),
        rx.el.span(text, class_name="t-small"),
        type="button",
        on_click=NewWorkflow.ask(way),
        class_name="t-way",
        custom_attrs={"aria-pressed": rx.cond(NewWorkflow.way == way, "true", "false"), "data-testid": f"way-{way}"},
    )


def _ways() -> rx.Component:
    return rx.el.div(
        _way("square-plus", "Empty", "Draw it yourself.", "blank"),
        rx.el.a(
            rx.icon("layout-template", size=18),
            rx.el.b("From a template"),
            rx.el.span("Choose, fill in, run.", class_name="t-small"),
            href="/templates",
            class_name="t-way",
            custom_attrs={"data-testid": "way-template"},
        ),
        _way("file-up", "Import", "A file, or text you have.", "import"),
        class_name="t-ways",
    )


def _actions(submit: str) -> rx.Component:
    return rx.el.div(
        rx.dialog.close(rx.button("Cancel", type="button", variant="soft", color_scheme="gray")),
        rx.button(submit, type="submit", loading=NewWorkflow.busy),
        class_name="t-actions",
    )


def _project() -> rx.Component:
    """Where it belongs; nothing for who has one project only."""
    return rx.cond(
        NewWorkflow.projects.length() > 1,
        choice(
            "Project",
            "new_in_project",
            NewWorkflow.projects,
            value=NewWorkflow.project_id,
            on_change=NewWorkflow.set_project,
            help_text="Its members see the workflow. It stays in this project.",
        ),
    )


def _blank() -> rx.Component:
    name = field("Name", "name", placeholder="Hot leads to chat", required=True, max_length=200, auto_focus=True)
    parts = (name, _project(), problem(NewWorkflow.error), _actions("Create"))
    return form(NewWorkflow, rx.el.div(*parts, class_name="t-form"), on_submit=NewWorkflow.create)


def _import() -> rx.Component:
    help_text = "What Trestle exported (JSON or YAML), a workflow of n8n, a list of steps, or a graph of nodes and edges. Nothing is run."
    return form(
        NewWorkflow,
        rx.el.div(
            rx.el.div(
                rx.el.label("File", html_for="file"),
                text_file(MOST_CHARACTERS, NewWorkflow.take, id="file", accept=".json,.yaml,.yml"),
                class_name="t-field",
            ),
            rx.cond(
                NewWorkflow.text != "",
                rx.el.p(f"{NewWorkflow.file} is ready to be imported.", class_name="t-small"),
                rx.el.div(
                    rx.el.label("Or paste it here", html_for="document"),
                    rx.text_area(name="document", id="document", rows="8", width="100%", class_name="t-mono", spell_check=False),
                    rx.el.span(help_text, class_name="t-small"),
                    class_name="t-field",
                ),
            ),
            _project(),
            problem(NewWorkflow.error),
            _actions("Import"),
            class_name="t-form",
        ),
        on_submit=NewWorkflow.bring,
    )


def _done() -> rx.Component:
    return rx.el.div(
        rx.text(f"“{NewWorkflow.name}” is there, switched off. Before it can be published, look at this:", size="2"),
        rx.el.ul(rx.foreach(NewWorkflow.remarks, lambda remark: rx.el.li(rx.el.b(remark.where), " ", remark.what)), class_name="t-remarks"),
        rx.el.div(link_button("Open the workflow", href=f"/workflows/{NewWorkflow.made}", variant="solid"), class_name="t-actions"),
        class_name="t-form",
        custom_attrs={"data-testid": "import-remarks"},
    )


def dialog() -> rx.Component:
    """The dialog itself."""
    return rx.dialog.root(
        rx.dialog.content(
            rx.dialog.title(rx.cond(NewWorkflow.made != "", "Imported", "New workflow")),
            rx.cond(NewWorkflow.made != "", _done(), rx.fragment(_ways(), rx.cond(NewWorkflow.way == "import", _import(), _blank()))),
            max_width="520px",
            custom_attrs={"aria-describedby": ""},
        ),
        open=NewWorkflow.open,
        on_open_change=NewWorkflow.close,
    )
