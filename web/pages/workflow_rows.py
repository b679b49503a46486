"""A workflow as the table of the workflows page shows it."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import reflex as rx

from trestle.contracts.users import Project
from trestle.contracts.workflows import RecentRun, WorkflowSummary
from web.components.status import status_chip
from web.pages.execution_rows import duration_text
from web.projects import edits, runs

LOWEST, HIGHEST = 20, 100


@dataclass
class Bar:
    """One execution in the sparkline. `height` in percent."""

    id: str
    status: str
    height: int
    title: str


@dataclass
class Row:
    """A workflow in the table."""

    id: str
    name: str
    about: str
    enabled: bool
    draft: bool
    updated_at: str
    last_id: str
    last_status: str
    last_at: str
    project: str = ""
    may_edit: bool = False
    may_run: bool = False
    folder: str = ""
    tags: list[str] = field(default_factory=list)
    bars: list[Bar] = field(default_factory=list)
    runs: str = ""
    file: str = ""
    """What its exports are called, without their ending."""


def bars(recent: Sequence[RecentRun]) -> list[Bar]:
    """The newest executions as bars: as high as they took long, by the logarithm; the longest fills the height."""
    longest = math.log1p(max((run.ms or 0 for run in recent), default=0))

    def height(ms: float | None) -> int:
        return LOWEST if not ms or not longest else round(LOWEST + (HIGHEST - LOWEST) * math.log1p(ms) / longest)

    return [
        Bar(str(run.id), run.status, height(run.ms), run.status if run.ms is None else f"{run.status}, {duration_text(run.ms)}")
        for run in recent
    ]


def told(recent: Sequence[RecentRun]) -> str:
    """The sparkline in words, for those who hear the page."""
    bad = sum(run.status in ("failed", "quarantined") for run in recent)
    return f"The last {len(recent)} executions: {bad} failed" if len(recent) > 1 else ""


def file_name(name: str) -> str:
    """What a workflow's exports are called, without their ending: `answer-a-request` for `Answer a request`. As in export.jsx."""
    return re.sub(r"[\W_]+", "-", name).strip("-").lower() or "workflow"


def shown(workflow: WorkflowSummary, projects: Mapping[UUID, Project]) -> Row:
    """A workflow as a row. `projects`: the person's, by their ids."""
    project = projects.get(workflow.project_id)
    last = workflow.last_execution or {}
    nodes = "No nodes yet" if not workflow.node_count else "1 node" if workflow.node_count == 1 else f"{workflow.node_count} nodes"
    return Row(
        id=str(workflow.id),
        name=workflow.name,
        file=file_name(workflow.name),
        about=workflow.description or nodes,
        enabled=workflow.enabled,
        draft=workflow.published_version is None,
        updated_at=workflow.updated_at.isoformat(),
        last_id=str(last.get("id", "")),
        last_status=str(last.get("status", "")),
        last_at=str(last.get("created_at", "")),
        project="" if project is None or project.personal else project.name,
        may_edit=project is not None and edits(project),
        may_run=project is not None and runs(project),
        folder=workflow.folder,
        tags=list(workflow.tags),
        bars=bars(workflow.recent),
        runs=told(workflow.recent),
    )


def tags_of(text: str) -> list[str]:
    """The tags in `one, two`: each once, without spaces around it."""
    return list(dict.fromkeys(tag.strip()[:50] for tag in text.split(",") if tag.strip()))[:50]


def sparkline(workflow: Any) -> rx.Component:
    """The newest executions as small bars; each leads to its execution."""
    return rx.el.span(
        rx.foreach(
            workflow.bars,
            lambda bar: rx.link(
                rx.el.span(class_name="t-bar", style={"height": f"{bar.height}%"}, custom_attrs={"data-status": bar.status}),
                href=f"/executions/{bar.id}",
                title=bar.title,
                underline="none",
                custom_attrs={"aria-label": bar.title, "tabIndex": "-1"},
            ),
        ),
        class_name="t-spark t-above",
        role="group",
        custom_attrs={"aria-label": workflow.runs},
    )


def last_run(workflow: Any, ago: rx.Component) -> rx.Component:
    """How the newest execution went, and when."""
    return rx.cond(
        workflow.last_status != "",
        rx.link(
            status_chip(workflow.last_status, ago),
            href=f"/executions/{workflow.last_id}",
            class_name="t-above",
            underline="none",
            color="inherit",
        ),
        rx.el.span("Not run yet", class_name="t-muted"),
    )
