"""The choice of a project, for the pages whose things belong to one."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import reflex as rx

from trestle.contracts.users import Project, ProjectRole


@dataclass
class Choice:
    """Something to choose."""

    value: str
    label: str


def edits(project: Project) -> bool:
    """Whether the person may change what is in it."""
    return project.role in (ProjectRole.ADMIN, ProjectRole.EDITOR)


def runs(project: Project) -> bool:
    """Whether the person may run what is in it."""
    return project.role != ProjectRole.VIEWER


def of_project(found: Iterable[Project], project_id: UUID) -> Project | None:
    """The one with this id, with the person's role in it; None where they are not in it."""
    return next((project for project in found if project.id == project_id), None)


def project_choices(found: Iterable[Project]) -> list[Choice]:
    """Projects to choose from; one's own is called so."""
    return [Choice(str(one.id), "Personal" if one.personal else one.name) for one in found]


def project_choice(projects: Any, value: Any, on_change: Any) -> rx.Component:
    """A choice of project above a table; nothing where there is only one."""
    shown: rx.Component = rx.cond(
        projects.length() > 1,
        rx.el.div(
            rx.el.span("Project", class_name="t-small", id="project-label"),
            rx.select.root(
                rx.select.trigger(custom_attrs={"aria-labelledby": "project-label"}),
                rx.select.content(rx.foreach(projects, lambda one: rx.select.item(one.label, value=one.value)), position="popper"),
                value=value,
                on_change=on_change,
            ),
            class_name="t-toolbar",
        ),
    )
    return shown
