"""A workflow as a document, without ids and secrets. importing.service reads it again."""

from typing import Any, Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend.catalogue.service import NodeTypes
from backend.db import encode_json
from backend.models import User, Workflow
from backend.ownership import find
from backend.services import Services
from backend.workflows import drafts
from backend.workflows.yaml_text import dump
from trestle.contracts.base import JsonObject
from trestle.contracts.config_fields import marked_fields
from trestle.contracts.graph import Node

Format = Literal["json", "yaml"]


async def exported(parts: Services, session: AsyncSession, user: User, ident: UUID, form: Format) -> str:
    """The draft as a document. Credentials are left out: their ids mean nothing elsewhere."""
    workflow = await find(session, user, Workflow, ident)
    draft = await drafts.load(session, ident)
    types = await parts.catalogue.current(session)
    document: JsonObject = {
        "trestle": 1,
        "name": workflow.name,
        "description": workflow.description,
        "tags": workflow.tags,
        "folder": workflow.folder,
        "settings": {**workflow.settings, "error_workflow": None},
        "nodes": [_node(node, types) for node in draft.nodes.values()],
        "connections": [c.model_dump(mode="json", exclude={"id"}) for c in draft.connections.values()],
    }
    return dump(document) if form == "yaml" else encode_json(document)


def _node(node: Node, types: NodeTypes) -> JsonObject:
    kind = types.get(node.type)
    config: Any = node.config
    for field in marked_fields(kind.config_schema, node.config) if kind else ():
        if field.kind == "credential":
            config = _without(config, field.path)
    values = node.model_dump(mode="json", exclude={"id", "config"})
    # What stands at its default is left out: a document is read by people, too.
    kept = {name: value for name, value in values.items() if getattr(node, name) != Node.model_fields[name].default}
    return {**kept, "config": config}


def _without(value: Any, path: tuple[str | int, ...]) -> Any:
    step, rest = path[0], path[1:]
    if isinstance(value, list):
        return [_without(inner, rest) if i == step and rest else inner for i, inner in enumerate(value) if rest or i != step]
    return {name: _without(inner, rest) if name == step else inner for name, inner in value.items() if rest or name != step}
