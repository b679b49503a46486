"""Where a credential is named."""

from typing import Any

from sqlalchemy import Text, cast, select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.models import Credential, Node, Snapshot, Version, Workflow
from trestle.contracts.credentials import CredentialUse


async def uses(session: AsyncSession, credential: Credential) -> list[CredentialUse]:
    """The nodes of drafts and of published versions of the credential's project that hold its id."""
    ident = str(credential.id)
    drafts = (
        select(Workflow.id, Workflow.name, Node.key)
        .join(Node, Node.workflow_id == Workflow.id)
        .where(Workflow.project_id == credential.project_id, cast(Node.config, Text).contains(ident))
    )
    published = (
        select(Workflow.id, Workflow.name, Snapshot.graph)
        .join(Version, (Version.workflow_id == Workflow.id) & (Version.number == Workflow.published_version))
        .join(Snapshot, Snapshot.id == Version.snapshot_id)
        .where(Workflow.project_id == credential.project_id, cast(Snapshot.graph, Text).contains(ident))
    )
    found = {(row.id, row.name, row.key) for row in await session.execute(drafts)}
    for row in await session.execute(published):
        found |= {(row.id, row.name, node["key"]) for node in row.graph["nodes"] if _holds(node["config"], ident)}
    ordered = sorted(found, key=lambda use: (use[1], str(use[0]), use[2]))
    return [CredentialUse(workflow_id=workflow, workflow_name=name, node=node) for workflow, name, node in ordered]


def _holds(value: Any, text: str) -> bool:
    if isinstance(value, dict):
        return any(_holds(inner, text) for inner in value.values())
    if isinstance(value, list):
        return any(_holds(inner, text) for inner in value)
    return isinstance(value, str) and text in value
