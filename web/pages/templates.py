"""The templates gallery: workflows to begin with, each drawn small."""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import orjson
import reflex as rx

from trestle.contracts.templates import Template
from web.access import signed_in
from web.backend import ApiError
from web.components.feedback import empty_state, link_button
from web.components.field import choice
from web.components.frame import page as framed
from web.components.listing import Listing, listing
from web.components.picture import Picture, drawn, picture
from web.components.searching import has_words, search_box
from web.projects import Choice, edits, project_choices

ALL = "All"
EXAMPLE = "Example"


@dataclass
class Need:
    """What is to be filled in, and at which node."""

    node: str
    what: str


@dataclass
class Card:
    """A template as the gallery shows it."""

    name: str = ""
    title: str = ""
    description: str = ""
    group: str = ""
    needs: list[Need] = field(default_factory=list)
    effort: str = ""
    picture: Picture = field(default_factory=Picture)


def shown(template: Template) -> Card:
    """A template as a card."""
    names = {node["key"]: node.get("name") or node["key"] for node in template.document["nodes"]}
    count = len(template.fill_in)
    return Card(
        name=template.name,
        title=template.title,
        description=template.description,
        group=template.group,
        needs=[Need(names[need.node], need.what) for need in template.fill_in],
        effort="Nothing to fill in" if not count else "1 thing to fill in" if count == 1 else f"{count} things to fill in",
        picture=drawn(template.document["nodes"], template.document.get("connections", [])),
    )


def found(cards: list[Card], search: str, group: str) -> list[Card]:
    """Those of a group in which every word that is searched for occurs."""
    return [card for card in cards if group in (ALL, card.group) and has_words(search, card.title, card.description, card.group)]


def opening(workflow_id: str, sample: Any, node: str = "") -> str:
    """The script that opens a new workflow, with `sample` as what its Run sends, at the node where there is something to fill in."""
    remember = "" if sample is None else f"localStorage.setItem('trestle.input.{workflow_id}', {_literal(sample)});"
    address = f"/workflows/{workflow_id}" + (f"?{urlencode({'node': node})}" if node else "")
    return f"{remember}location.assign('{address}')"


def _literal(sample: Any) -> str:
    return orjson.dumps(orjson.dumps(sample, option=orjson.OPT_INDENT_2).decode()).decode()


class Templates(Listing, rx.State):
    """The cards, the search, and the one that is looked at."""

    cards: list[Card] = []
    groups: list[str] = [ALL]
    search: str = ""
    group: str = ALL
    open: bool = False
    card: Card = Card()
    using: str = ""
    projects: list[Choice] = []
    project_id: str = ""
    _all: list[Card] = []

    @rx.event
    async def load(self) -> None:
        """Fetch all of them."""
        api = signed_in(self)
        with self._fetching():
            self._all = [shown(template) for template in await api.templates()]
            self.groups = [ALL, *dict.fromkeys(card.group for card in self._all)]
            self.cards, self.open, self.using = found(self._all, self.search, self.group), False, ""
            self.projects = project_choices(one for one in await api.projects() if edits(one))
            if self.project_id not in [one.value for one in self.projects]:
                self.project_id = self.projects[0].value if self.projects else ""

    @rx.event
    def find(self, text: str) -> None:
        """Search titles and descriptions."""
        signed_in(self)
        self.search = text[:200]
        self.cards = found(self._all, self.search, self.group)

    @rx.event
    def choose(self, group: str | list[str]) -> None:
        """Show one group."""
        signed_in(self)
        self.group = str(group)
        self.cards = found(self._all, self.search, self.group)

    @rx.event
    def look(self, name: str) -> None:
        """Show one closely."""
        signed_in(self)
        self.card = next((card for card in self._all if card.name == name), Card())
        self.open = bool(self.card.name)

    @rx.event
    def close(self, is_open: bool) -> None:
        """The closer look was dismissed."""
        signed_in(self)
        self.open = is_open

    @rx.event
    def set_project(self, project_id: str) -> None:
        """Where the workflow will belong."""
        signed_in(self)
        self.project_id = project_id

    @rx.event
    async def use(self, name: str) -> Any:
        """Make a workflow of a template and open it."""
        api = signed_in(self)
        if self.using:
            return  # a double click
        self.using = name
        yield
        try:
            template = next((one for one in await api.templates() if one.name == name), None)
            if template is None:
                self.using = ""
                yield rx.toast.error("This template is not there any more. Reload the page.")
                return
            made = (await api.import_workflow(template.document, self.project_id)).workflow
            if template.sample is not None:
                await api.keep_input(made.id, EXAMPLE, template.sample)
        except ApiError as error:
            self.using = ""
            yield rx.toast.error("The template can't be used", description=str(error))
            return
        self.open = False
        first = template.fill_in[0].node if template.fill_in else ""
        yield rx.call_script(opening(str(made.id), template.sample, first))


def _use(name: Any) -> rx.Component:
    return rx.button("Use this template", loading=Templates.using == name, on_click=Templates.use(name))


def _begin(name: Any) -> rx.Component:
    """Uses a template at once, or has the project chosen first where there are several."""
    asks = Templates.projects.length() > 1
    return rx.button(
        rx.cond(asks, "Use this template …", "Use this template"),
        size="1",
        variant="soft",
        loading=Templates.using == name,
        on_click=rx.cond(asks, Templates.look(name), Templates.use(name)),
    )


def _project() -> rx.Component:
    """Where it will belong; nothing for who has one project only."""
    return rx.cond(
        Templates.projects.length() > 1,
        rx.el.div(
            choice(
                "Project",
                "template_in_project",
                Templates.projects,
                value=Templates.project_id,
                on_change=Templates.set_project,
                help_text="Its members see the workflow. It stays in this project.",
            ),
            margin_top="16px",
        ),
    )


def _card(card: Any) -> rx.Component:
    return rx.el.article(
        rx.el.button(
            picture(card.picture, card.title, "is-small"),
            on_click=Templates.look(card.name),
            type="button",
            class_name="t-template-picture",
            custom_attrs={"aria-label": f"Look at {card.title}"},
        ),
        rx.el.div(
            rx.heading(card.title, size="3", as_="h2", weight="medium"),
            rx.el.p(card.description, class_name="t-template-text"),
            rx.el.div(rx.el.span(card.effort, class_name="t-small"), _begin(card.name), class_name="t-template-foot"),
            class_name="t-template-body",
        ),
        class_name="t-template",
        custom_attrs={"data-testid": f"template-{card.name}"},
        key=card.name,
    )


def _closer() -> rx.Component:
    card = Templates.card
    return rx.dialog.root(
        rx.dialog.content(
            rx.dialog.title(card.title),
            rx.dialog.description(card.description),
            rx.el.div(picture(card.picture, card.title), class_name="t-template-large"),
            rx.cond(
                card.needs.length() > 0,
                rx.fragment(
                    rx.heading("What you fill in", size="2", as_="h3", weight="medium"),
                    rx.el.ul(
                        rx.foreach(card.needs, lambda need: rx.el.li(rx.el.b(need.node), ": ", need.what)), class_name="t-template-needs"
                    ),
                ),
                rx.text("There is nothing to fill in: press Run in the editor, and see what it does.", size="2"),
            ),
            _project(),
            rx.el.div(rx.dialog.close(rx.button("Close", variant="soft", color_scheme="gray")), _use(card.name), class_name="t-actions"),
            max_width="760px",
        ),
        open=Templates.open,
        on_open_change=Templates.close,
    )


def _toolbar() -> rx.Component:
    return rx.el.div(
        search_box("Search templates", Templates.search, Templates.find.debounce(150)),
        rx.el.div(
            rx.foreach(
                Templates.groups,
                lambda group: rx.button(
                    group,
                    on_click=Templates.choose(group),
                    size="1",
                    radius="full",
                    variant=rx.cond(Templates.group == group, "solid", "soft"),
                    color_scheme=rx.cond(Templates.group == group, "iris", "gray"),
                    custom_attrs={"aria-pressed": rx.cond(Templates.group == group, "true", "false")},
                ),
            ),
            class_name="t-chips",
            role="group",
            custom_attrs={"aria-label": "Group"},
        ),
        class_name="t-toolbar",
    )


def page() -> rx.Component:
    """The page."""
    return framed(
        "Templates",
        rx.text(
            "Workflows to begin with. Each becomes a workflow of your own, switched off, which you change as you like.",
            size="2",
            color_scheme="gray",
            margin_bottom="16px",
        ),
        _toolbar(),
        listing(
            Templates,
            rx.el.div(rx.foreach(Templates.cards, _card), class_name="t-templates"),
            none=Templates.cards.length() == 0,
            empty=empty_state("search-x", "Nothing found", "No template has these words. Try others, or look at all groups."),
        ),
        _closer(),
        current="Workflows",
        actions=(link_button("Begin with an empty canvas", href="/workflows?new=blank"),),
    )
