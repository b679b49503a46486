"""Executions as rows of a table: what ran, how it went, how long it took. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from trestle.contracts.executions import ExecutionSummary
from trestle.contracts.states import ExecutionStatus
from trestle.contracts.users import Project
from web.projects import edits, of_project, runs


@dataclass
class Row:
    """An execution as the table shows it."""

    id: str
    status: str
    workflow: str
    trigger: str
    version: str
    created_at: str
    took: str
    error: str
    passed_over: str = ""
    may_run: bool = False
    may_edit: bool = False


def duration_text(milliseconds: float) -> str:
    """A duration with the two units that matter: `< 1 ms`, `340 ms`, `1.2 s`, `2 min 5 s`, `3 h 20 min`."""
    if milliseconds < 0.5:
        return "< 1 ms"
    if milliseconds < 999.5:
        return f"{milliseconds:.0f} ms"
    if milliseconds < 59_950:
        return f"{milliseconds / 1000:.1f} s"
    minutes, seconds = divmod(round(milliseconds / 1000), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds} s"


def shown(execution: ExecutionSummary, now: datetime, projects: Iterable[Project] = ()) -> Row:
    """An execution as a row. One that still runs has taken the time until `now`. `projects` are the person's: their role in its own
    says what they may do with it."""
    project = of_project(projects, execution.project_id)
    took = "–"
    if execution.started_at is not None:
        until = execution.finished_at or (now if execution.status is ExecutionStatus.RUNNING else None)
        took = duration_text(max(0.0, (until - execution.started_at).total_seconds() * 1000)) if until else "–"
    failed = f"{execution.error.node}: {execution.error.message}" if execution.error and execution.error.node else ""
    return Row(
        id=str(execution.id),
        status=execution.status.value,
        workflow=execution.workflow_name or "Deleted workflow",
        trigger=str(execution.trigger.get("kind", "")),
        version=_version(execution),
        created_at=execution.created_at.isoformat(),
        took=took,
        error=failed or (execution.error.message if execution.error else ""),
        passed_over="" if failed or not execution.failed_steps else in_nodes(execution.failed_steps),
        may_run=project is not None and runs(project),
        may_edit=project is not None and edits(project),
    )


def in_nodes(failures: int) -> str:
    """Failures that an execution went on over."""
    return "failures in one node" if failures == 1 else f"failures in {failures} nodes"


def _version(execution: ExecutionSummary) -> str:
    """What ran, and whether it was there before."""
    again = "retry" if execution.retry_of else "replay" if execution.replay_of else ""
    return (f"Version {execution.version}" if execution.version is not None else "Draft") + (again and f" · {again}")
