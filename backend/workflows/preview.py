"""An expression over recorded data: what it would give if its node were about to run."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.errors import Unprocessable
from backend.models import Execution, Step, User, Workflow
from backend.ownership import find, owned
from backend.workflows import drafts
from backend.workflows.drafts import Draft
from trestle.contracts import workflows as wire
from trestle.contracts.graph import MAIN, Outcome, step_input
from trestle.contracts.problems import FieldError
from trestle.contracts.states import StepStatus
from trestle.language import LanguageError, Scope, compile_config


async def preview(session: AsyncSession, user: User, ident: UUID, body: wire.PreviewRequest) -> wire.Preview:
    """The value, or why there is none. No node runs, nothing is called; the language's own limits hold."""
    workflow = await find(session, user, Workflow, ident)
    draft = await drafts.load(session, ident)
    if body.node not in draft.nodes:
        message = f"There is no node “{body.node}” in the draft. Load the workflow again."
        raise Unprocessable(message, errors=[FieldError(loc=["node"], message=message)])
    execution = await _execution(session, user, workflow, body.execution_id)
    outcomes = await _outcomes(session, draft, execution)
    return await asyncio.to_thread(_evaluate, body, workflow, draft, execution, outcomes)


async def _execution(session: AsyncSession, user: User, workflow: Workflow, ident: UUID | None) -> Execution | None:
    """The execution asked for, or else the newest."""
    if ident is None:
        newest = owned(user, Execution).where(Execution.workflow_id == workflow.id, Execution.kind == "run").order_by(Execution.id.desc())
        return await session.scalar(newest.limit(1))
    execution = await find(session, user, Execution, ident)
    if execution.workflow_id != workflow.id:
        message = "This execution is of another workflow. Choose one of this."
        raise Unprocessable(message, errors=[FieldError(loc=["execution_id"], message=message)])
    return execution


async def _outcomes(session: AsyncSession, draft: Draft, execution: Execution | None) -> dict[str, Outcome]:
    """How each node ended there; without an execution, what is pinned."""
    if execution is None:
        return {key: Outcome(MAIN, node.pinned) for key, node in draft.nodes.items() if node.pinned is not None}
    done = (StepStatus.SUCCEEDED, StepStatus.FAILED)
    query = select(Step.node, Step.port, Step.output).where(
        Step.execution_id == execution.id, Step.item.is_(None), Step.status.in_(done), Step.port.is_not(None)
    )
    found = {row.node: Outcome(row.port, row.output) for row in await session.execute(query.order_by(Step.attempt))}
    start = execution.trigger.get("node")
    if start in found:  # the trigger's output is the execution's input, stored once
        found[start] = Outcome(found[start].port, execution.input)
    return found


def _evaluate(
    body: wire.PreviewRequest, workflow: Workflow, draft: Draft, execution: Execution | None, outcomes: dict[str, Outcome]
) -> wire.Preview:
    incoming = [c for c in draft.connections.values() if c.target == body.node]
    known: dict[str, Any] = {
        "payload": execution.input if execution else None,
        "trigger": execution.trigger if execution else {},
        "input": step_input(incoming, outcomes),
        "nodes": {key: outcome.output for key, outcome in outcomes.items()},
        "vars": {},
        "execution": {"id": str(execution.id)} if execution else {},
        "workflow": {"id": str(workflow.id), "name": workflow.name},
        "now": datetime.now(UTC),
    }
    loop = draft.nodes[body.node].for_each
    try:
        scope = Scope(**known)
        if loop is not None:
            items = compile_config({"items": loop.items}).render(scope)["items"]
            if isinstance(items, list) and items:
                scope = scope.with_item(items[0], 0)
        return wire.Preview(value=compile_config({"value": body.expression}).render(scope)["value"])
    except LanguageError as error:
        hint = error.hint
        if execution is None and error.kind == "undefined":
            hint = f"{hint} The workflow has not run yet: run it once to see its data here.".strip()
        return wire.Preview(error=wire.PreviewError(message=error.message, hint=hint, expression=error.expression))
