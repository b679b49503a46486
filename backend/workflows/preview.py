"""An expression over recorded data: what it would give if its node were about to run."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.blobs.service import Blobs
from backend.blobs.values import put_together, taken_apart
from backend.errors import Unprocessable
from backend.models import Execution, Step, User, Workflow
from backend.ownership import find, owned
from backend.variables.service import values as variables_of
from backend.workflows import drafts
from backend.workflows.drafts import Draft
from trestle.contracts import workflows as wire
from trestle.contracts.base import JsonObject, JsonValue
from trestle.contracts.graph import MAIN, Node, Outcome, step_input
from trestle.contracts.jobs import BlobRef
from trestle.contracts.problems import FieldError
from trestle.contracts.states import StepStatus
from trestle.language import LanguageError, Reference, Scope, Unloaded, compile_config, content, references_in, replaced

MAX_LOADED = 4 * 1024 * 1024
"""Bytes of a large value that a preview loads. A step may load more."""
MAX_VALUES = 4
TRIGGER = "trigger."


async def preview(blobs: Blobs, session: AsyncSession, user: User, ident: UUID, body: wire.PreviewRequest) -> wire.Preview:
    """The value, or why there is none. No node runs, nothing is called; the language's own limits hold."""
    workflow = await find(session, user, Workflow, ident)
    draft = await drafts.load(session, ident)
    if body.node not in draft.nodes:
        message = f"There is no node “{body.node}” in the draft. Load the workflow again."
        raise Unprocessable(message, errors=[FieldError(loc=["node"], message=message)])
    execution = await _execution(session, user, workflow, body.execution_id)
    outcomes = await _outcomes(session, draft, execution, body.payload)
    opened: dict[UUID, Any] = {}
    known = await variables_of(session, workflow.project_id)
    try:
        while True:
            try:
                return await asyncio.to_thread(_evaluate, body, workflow, draft, execution, outcomes, opened, known)
            except Unloaded as missing:
                await _load(blobs, execution, missing.references, opened)
    except LanguageError as error:
        return wire.Preview(error=wire.PreviewError(message=error.message, hint=error.hint, expression=error.expression, kind=error.kind))


async def _load(blobs: Blobs, execution: Execution | None, references: Sequence[Reference], opened: dict[UUID, Any]) -> None:
    """Loads what the expression looks into. Raises LanguageError where that is too much, or is not what it says."""
    if len(opened) + len(references) > MAX_VALUES or any(reference.size > MAX_LOADED for reference in references):
        raise LanguageError(
            "It looks into large values, of which a preview loads few.",
            kind="limit",
            hint="The step itself may: run the workflow to see what it gives.",
        )
    refs = {str(one.id): BlobRef(id=one.id, size=one.size, media_type=one.media_type) for one in references}
    if execution is None or len(await blobs.used(execution.id, refs)) < len(refs):
        raise LanguageError("It looks into a large value that this execution does not have any more.", kind="limit")
    for reference in references:
        data = b"".join([chunk async for chunk in blobs.stream(reference.id)])
        opened[reference.id] = content(reference.media_type, data)


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


async def _outcomes(session: AsyncSession, draft: Draft, execution: Execution | None, trial: JsonValue) -> dict[str, Outcome]:
    """How each node ended there; without an execution, what is pinned, and the test input where it would come in."""
    if execution is None:
        begun = {key: trial for key, node in draft.nodes.items() if node.type.startswith(TRIGGER) and trial is not None}
        pinned = {key: node.pinned for key, node in draft.nodes.items() if node.pinned is not None}
        return {key: Outcome(MAIN, value) for key, value in {**begun, **pinned}.items()}
    done = (StepStatus.SUCCEEDED, StepStatus.FAILED)
    query = select(Step.node, Step.port, Step.output, Step.refs).where(
        Step.execution_id == execution.id, Step.item.is_(None), Step.status.in_(done), Step.port.is_not(None)
    )
    found = {row.node: Outcome(row.port, put_together(row.output, row.refs)) for row in await session.execute(query.order_by(Step.attempt))}
    start = execution.trigger.get("node")
    if start in found:  # the trigger's output is the execution's input, stored once
        found[start] = Outcome(found[start].port, put_together(execution.input, execution.input_refs))
    return found


def _evaluate(
    body: wire.PreviewRequest,
    workflow: Workflow,
    draft: Draft,
    execution: Execution | None,
    outcomes: dict[str, Outcome],
    opened: dict[UUID, Any],
    variables: JsonObject,
) -> wire.Preview:
    def at_hand(value: Any) -> Any:
        return replaced(value, lambda found: Reference(found.id, found.size, found.media_type, opened))

    incoming = [c for c in draft.connections.values() if c.target == body.node]
    known: dict[str, Any] = {
        "payload": at_hand(put_together(execution.input, execution.input_refs)) if execution else body.payload,
        "trigger": execution.trigger if execution else {},
        "input": at_hand(step_input(incoming, outcomes)),
        "nodes": {key: at_hand(outcome.output) for key, outcome in outcomes.items()},
        "vars": variables,
        "execution": {"id": str(execution.id)} if execution else {},
        "workflow": {"id": str(workflow.id), "name": workflow.name},
        "now": datetime.now(UTC),
    }
    try:
        scope = Scope(**known, references=True)
        previewed = compile_config({"value": body.expression})
        listed = _list_of(draft.nodes[body.node], previewed.names())
        if listed is not None:
            items = compile_config({"items": listed}).render(scope)["items"]
            if isinstance(items, list) and items:
                scope = scope.with_item(items[0], 0)
        value = previewed.render(scope)["value"]
        if execution is None or not references_in(value):
            return wire.Preview(value=value)
        value, refs = taken_apart(execution.id, value)
        return wire.Preview(value=value, refs=refs)
    except LanguageError as error:
        hint = error.hint
        if execution is None and body.payload is None and error.kind == "undefined":
            hint = f"{hint} The workflow has not run yet: run it once to see its data here.".strip()
        return wire.Preview(error=wire.PreviewError(message=error.message, hint=hint, expression=error.expression, kind=error.kind))


def _list_of(node: Node, names: set[str]) -> Any:
    """The list whose first item stands for `item`: the for-each's, or the one that the node itself goes through; None for neither."""
    if node.for_each is not None:
        return node.for_each.items
    return node.config.get("items") if names & {"item", "index"} else None
