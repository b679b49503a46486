"""An imported document, of whichever format, becomes a new, disabled workflow."""

from typing import Any
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.db import encode_json
from backend.errors import Unprocessable, field_errors
from backend.importing import json_graphs, n8n, step_lists
from backend.importing.places import located, place
from backend.importing.sheet import Sheet
from backend.json_body import decode
from backend.models import Membership, User
from backend.ownership import project_for
from backend.services import Services
from backend.workflows import drafts, service
from backend.workflows.yaml_text import parse
from trestle.contracts import workflows as wire
from trestle.contracts.base import JsonObject
from trestle.contracts.imports import Converted, Imported, Unmapped
from trestle.contracts.problems import FieldError

_NAME = "Imported workflow"
_NAME_SIZE = 200
_DESCRIPTION_SIZE = 10_000
_MOST_TOLD = 1000


async def imported(parts: Services, session: AsyncSession, user: User, project_id: UUID | None, body: bytes, media_type: str) -> Imported:
    """A new workflow from a document: one that Trestle exported, or another format. Raises BadRequest, Unprocessable."""
    new, sheet = _read(project_id, body, media_type)
    workflow = await service.create(parts, session, user, new)
    nobody = await _nobody(session, workflow.project_id, sheet)
    return Imported(workflow=workflow, problems=[*workflow.problems, *nobody], unmapped=sheet.unmapped)


async def converted(session: AsyncSession, user: User, project_id: UUID | None, body: bytes, media_type: str) -> Converted:
    """What `imported` would make of the document in that project, where one may import it. Stores nothing. Raises the same."""
    project = await project_for(session, user, project_id)
    new, sheet = _read(project_id, body, media_type)
    drafts.check_possible(new.nodes, new.connections)
    nobody = await _nobody(session, project.id, sheet)
    return Converted(nodes=new.nodes, connections=new.connections, problems=nobody, unmapped=sheet.unmapped)


def _read(project_id: UUID | None, body: bytes, media_type: str) -> tuple[wire.NewWorkflow, Sheet]:
    """The workflow to be, and the sheet with what was lost: an empty one for a document of ours."""
    value = decode(encode_json(parse(body)).encode()) if "yaml" in media_type else decode(body, "The text")
    sheet, drawn = _foreign(value)
    if sheet is None:
        return wire.NewWorkflow(**_document(value), project_id=project_id), Sheet("")
    connections = sheet.connections()
    sheet.arrange()
    new = wire.NewWorkflow(
        name=sheet.name, description=sheet.description, project_id=project_id, nodes=sheet.nodes, connections=connections
    )
    more = len(sheet.unmapped) - _MOST_TOLD
    sheet.unmapped = [located(loss, drawn) for loss in sheet.unmapped[:_MOST_TOLD]]
    if more > 0:
        sheet.unmapped.append(located(Unmapped(path="", reason=f"And {more} more that are not listed here."), drawn))
    return new, sheet


def _foreign(value: Any) -> tuple[Sheet | None, Any]:
    """What somebody else's document draws, and the part of it that paths of the sheet begin at; None where it is one of ours, or of
    nobody."""
    if not isinstance(value, dict):
        return None, value
    inner = value.get("definition")
    graph = {**value, **inner} if isinstance(inner, dict) and "nodes" in inner else value
    graph = graph if graph is value else {name: part for name, part in graph.items() if name != "definition"}
    name, description = value.get("name"), value.get("description")
    title = name.strip()[:_NAME_SIZE] if isinstance(name, str) and name.strip() else _NAME
    if step_lists.is_one(value):
        sheet = step_lists.drawn(value, title)
    elif n8n.is_one(graph):
        value, sheet = graph, n8n.drawn(graph, title)
    elif json_graphs.is_one(graph):
        value, sheet = graph, json_graphs.drawn(graph, title)
    else:
        return None, value
    sheet.description = description[:_DESCRIPTION_SIZE] if isinstance(description, str) else ""
    return sheet, value


def _document(value: Any) -> JsonObject:
    try:
        document = wire.Document.model_validate(value)
    except ValidationError as error:
        found = field_errors(error.errors(), value)
        where = place(found[0].loc, value)
        detail = (
            f"This is neither a document that Trestle exported ({where}: {found[0].message}) nor another format that it reads: "
            "a workflow of n8n, a list of steps, or a graph of nodes and edges."
        )
        raise Unprocessable(detail, errors=found) from None
    return {name: getattr(document, name) for name in wire.Document.model_fields if name != "trestle"}


async def _nobody(session: AsyncSession, project_id: UUID, sheet: Sheet) -> list[FieldError]:
    """Nodes that tell a role which nobody has in the project."""
    if not sheet.roles:
        return []
    label = func.unnest(Membership.labels).label("name")
    of_project = Membership.project_id == project_id
    names = select(Membership.role.label("name")).where(of_project).union(select(label).where(of_project))
    known = {name.casefold() for name in await session.scalars(names)}
    return [
        FieldError(
            loc=["config", "to_role"],
            node=role.node,
            message=f"to_role: Nobody in the project has the role or label “{role.role}”. Give it to a member, or name another.",
        )
        for role in sheet.roles
        if role.role.casefold() not in known
    ]
