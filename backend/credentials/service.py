"""Credentials: kept encrypted, shown without their secrets, revealed to nobody but a step that names one."""

from collections.abc import Sequence
from typing import NewType
from uuid import UUID

from sqlalchemy import func
from sqlalchemy.ext.asyncio import AsyncSession

from backend.audit.service import record
from backend.credentials.oauth2.client import is_rebound
from backend.credentials.oauth2.tokens import forget, grants
from backend.credentials.types import TYPES, VALIDATORS, secret_fields
from backend.credentials.usage import uses
from backend.credentials.vault import Sealed, Vault
from backend.errors import Conflict, NotFound, Unprocessable
from backend.ids import new_id
from backend.models import Credential, User
from backend.ownership import find, owned, project_for
from backend.paging import Paging, page
from trestle.contracts import credentials as wire
from trestle.contracts.audit import Action
from trestle.contracts.base import JsonObject
from trestle.contracts.jobs import CheckTask, Secret
from trestle.contracts.problems import FieldError
from trestle.contracts.users import ProjectRole

Stored = NewType("Stored", Secret)
"""What a credential's own row holds, decrypted. What a step gets may be more: a token that a provider was asked for."""

_TRIAL = 0
"""The version of what is only tried out: rows begin with 1."""


async def create(session: AsyncSession, vault: Vault, user: User, body: wire.NewCredential) -> wire.Credential:
    """A new credential. Raises Unprocessable for an unknown type or fields that don't fit it."""
    project = await project_for(session, user, body.project_id)
    _known(body.type)
    row = Credential(
        id=new_id(),
        project_id=project.id,
        name=body.name,
        type=body.type,
        version=0,
        allowed_hosts=body.allowed_hosts,
        rate_limit=_kept(body.rate_limit),
        created_by=user.id,
    )
    _fill(vault, row, body.data)
    session.add(row)
    await session.flush()
    record(session, Action.CREDENTIAL_CREATED, row.id, row.name, row.project_id, {"type": row.type})
    return (await _shown(session, [row]))[0]


async def _shown(session: AsyncSession, rows: Sequence[Credential]) -> list[wire.Credential]:
    """Without their secrets, and with what is known of the connections of those that are connected to a provider."""
    held = await grants(session, [row.id for row in rows if row.type == wire.OAUTH2])
    shown = [wire.Credential.model_validate(row) for row in rows]
    for one in shown:
        if one.type == wire.OAUTH2:
            grant = held.get(one.id)
            one.connected = grant is not None and grant.ciphertext is not None and grant.problem is None
            if grant is not None:
                one.expires_at, one.account, one.problem = grant.expires_at, grant.account, grant.problem
    return shown


def _known(kind: str) -> None:
    """Raises Unprocessable for an unknown type."""
    if kind not in TYPES:
        message = f"There is no credential type “{kind}”. There are: {', '.join(TYPES)}."
        raise Unprocessable(message, errors=[FieldError(loc=["type"], message=message)])


def _kept(limit: wire.RateLimit | None) -> JsonObject | None:
    return limit.model_dump(mode="json") if limit is not None else None


def _checked(kind: str, data: JsonObject) -> JsonObject:
    """The data, where a credential of this type may hold it. Raises Unprocessable."""
    errors = []
    for error in VALIDATORS[kind].iter_errors(data):
        # Neither the message nor the path of these errors may repeat a value: it is a secret.
        names = {
            "required": "A field is missing. ",
            "additionalProperties": "There is a field too many. ",
            "oneOf": "These fields do not go together. ",
            "anyOf": "A field is missing. ",
            "pattern": f"“{error.schema.get('title', '')}” is not written as it should be. " if isinstance(error.schema, dict) else "",
        }
        fields = ", ".join(TYPES[kind].fields_schema["properties"])
        message = f"{names.get(str(error.validator), 'This value does not fit. ')}A {kind} credential has the fields {fields}."
        errors.append(FieldError(loc=["data", *error.absolute_path], message=message))
    if errors:
        raise Unprocessable(errors[0].message, errors=errors)
    return data


def _fill(vault: Vault, row: Credential, data: JsonObject) -> None:
    """Puts data into a row, as its next version, once it is checked."""
    secrets = secret_fields(TYPES[row.type])
    data = _checked(row.type, data)
    row.version += 1
    row.fields = {name: value for name, value in data.items() if name not in secrets}
    row.set_fields = sorted(data)
    row.ciphertext = vault.seal(data, project=row.project_id, credential=row.id, version=row.version)
    row.key_id = vault.key_id


async def listed(
    session: AsyncSession, user: User, paging: Paging, project_id: UUID | None, type_: str | None
) -> tuple[list[wire.Credential], str | None]:
    """A page of credentials, newest first, and the next cursor."""
    statement = owned(user, Credential)
    if project_id is not None:
        statement = statement.where(Credential.project_id == project_id)
    if type_ is not None:
        statement = statement.where(Credential.type == type_)
    rows, cursor = await page(session, statement, Credential.id, paging)
    return await _shown(session, [row[0] for row in rows]), cursor


async def read(session: AsyncSession, user: User, ident: UUID) -> wire.Credential:
    """One credential, without its secret."""
    return (await _shown(session, [await find(session, user, Credential, ident)]))[0]


async def change(session: AsyncSession, vault: Vault, user: User, ident: UUID, body: wire.CredentialChange) -> wire.Credential:
    """Changes what is given; fields left out of `data` keep their values, null takes an optional one away."""
    row = await find(session, user, Credential, ident, needs=ProjectRole.EDITOR, lock=True)
    if body.name is not None:
        row.name = body.name
    if body.allowed_hosts is not None:
        row.allowed_hosts = body.allowed_hosts
    if "rate_limit" in body.model_fields_set:
        row.rate_limit = _kept(body.rate_limit)
    if body.data is not None:
        before = row.fields
        _fill(vault, row, _merged(vault, row, body.data))
        if row.type == wire.OAUTH2 and is_rebound(before, row.fields):
            await forget(session, row.id)
    row.updated_at = func.now()
    await session.flush()
    await session.refresh(row, ["updated_at"])
    record(session, Action.CREDENTIAL_CHANGED, row.id, row.name, row.project_id, {"fields": sorted(body.model_fields_set)})
    return (await _shown(session, [row]))[0]


def _merged(vault: Vault, row: Credential, change: JsonObject) -> JsonObject:
    """A row's data with a change. Where its key is gone, every field has to be given again."""
    try:
        held = vault.open(row.ciphertext, project=row.project_id, credential=row.id, version=row.version)
    except Sealed:
        held = {}
    return {name: value for name, value in {**held, **change}.items() if value is not None}


async def tried(session: AsyncSession, vault: Vault, user: User, body: wire.CredentialTrial) -> tuple[UUID, CheckTask]:
    """The project of what is to be tried out, and the task with it, encrypted under an id that no credential has.

    Raises NotFound, Forbidden (an editor's right), Unprocessable for fields that don't fit the type.
    """
    _known(body.type)
    if body.credential_id is not None:
        row = await find(session, user, Credential, body.credential_id, needs=ProjectRole.EDITOR)
        project_id, name, kind, data = row.project_id, row.name, row.type, _merged(vault, row, body.data)
    else:
        project = await project_for(session, user, body.project_id)
        project_id, name, kind, data = project.id, TYPES[body.type].title, body.type, body.data
    ident = new_id()
    plain: JsonObject = {"data": _checked(kind, data), "allowed_hosts": list(body.allowed_hosts)}
    sealed = vault.seal(plain, project=project_id, credential=ident, version=_TRIAL).decode()
    record(session, Action.CREDENTIAL_TESTED, body.credential_id, name, project_id, {"before": "it is saved"})
    return project_id, CheckTask(credential_id=ident, credential_type=kind, sealed=sealed)


def reveal_tried(vault: Vault, project_id: UUID, task: CheckTask) -> Secret:
    """The secret of a task that `tried` made. Raises Conflict where it can't be decrypted."""
    try:
        plain = vault.open((task.sealed or "").encode(), project=project_id, credential=task.credential_id, version=_TRIAL)
    except Sealed as error:
        raise Conflict(str(error)) from None
    return Secret(type=task.credential_type, data=plain["data"], allowed_hosts=plain["allowed_hosts"])


async def remove(session: AsyncSession, user: User, ident: UUID, *, force: bool) -> None:
    """Deletes a credential. Raises Conflict while nodes use it, unless forced."""
    row = await find(session, user, Credential, ident, needs=ProjectRole.EDITOR, lock=True)
    used = await uses(session, row)
    if used and not force:
        where = ", ".join(f"“{use.node}” in “{use.workflow_name}”" for use in used[:3]) + (" and others" if len(used) > 3 else "")
        raise Conflict(f"This credential is used by {where}. Choose another there first, or delete it with ?force=true.")
    record(session, Action.CREDENTIAL_DELETED, row.id, row.name, row.project_id, {"used_by": len(used)})
    await session.delete(row)


async def usage(session: AsyncSession, user: User, ident: UUID) -> list[wire.CredentialUse]:
    """The nodes that name a credential, in drafts and published versions."""
    return await uses(session, await find(session, user, Credential, ident))


async def reveal(session: AsyncSession, vault: Vault, project_id: UUID, ident: UUID) -> Stored:
    """What a credential holds, for a step (or a webhook) of this project. Never for an answer to a person. Of the type oauth2 it is
    the client; a step gets the tokens that it has been given.

    Raises NotFound where the project has no such credential, Conflict where it can't be decrypted.
    """
    row = await session.get(Credential, ident)
    if row is None or row.project_id != project_id:
        raise NotFound("There is no such credential in the workflow's project. Choose another in the node.")
    try:
        data = vault.open(row.ciphertext, project=row.project_id, credential=row.id, version=row.version)
    except Sealed as error:
        raise Conflict(str(error)) from None
    limit = wire.RateLimit.model_validate(row.rate_limit) if row.rate_limit is not None else None
    return Stored(Secret(type=row.type, data=data, allowed_hosts=row.allowed_hosts, rate_limit=limit))
