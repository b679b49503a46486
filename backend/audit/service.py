"""The one place that writes the audit: in the transaction of what was done, so that there is never one without the other."""

from typing import NamedTuple
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.models import ApiKey, AuditEntry, User
from backend.paging import Paging, page
from trestle.contracts import audit as wire
from trestle.contracts.audit import Action
from trestle.contracts.base import JsonObject

_CALLER = "caller"


class Caller(NamedTuple):
    """In whose name a transaction is done, and from where."""

    user_id: UUID | None
    who: str
    address: str
    api_key: str | None = None


def called_by(session: AsyncSession, user: User, address: str, key: ApiKey | None = None) -> None:
    """What the session records from now on was done by this person."""
    session.info[_CALLER] = Caller(user.id, user.email, address, key.name if key is not None else None)


def record(
    session: AsyncSession,
    action: Action,
    subject_id: UUID | None,
    subject: str,
    project_id: UUID | None = None,
    details: JsonObject | None = None,
    *,
    caller: Caller | None = None,
) -> None:
    """Writes down what was done, when the session's transaction is committed. `caller`: where it is not the one who signed in.

    `details` are plain JSON and never hold a secret, nor a value that may be one: names of fields, numbers, roles.
    """
    by: Caller = caller if caller is not None else session.info[_CALLER]
    session.add(
        AuditEntry(
            user_id=by.user_id,
            who=by.who,
            api_key=by.api_key,
            address=by.address,
            action=action,
            subject_id=subject_id,
            subject=subject,
            project_id=project_id,
            details=details or {},
        )
    )


async def listed(
    session: AsyncSession, paging: Paging, *, user_id: UUID | None, action: str | None, subject_id: UUID | None
) -> tuple[list[wire.AuditEntry], str | None]:
    """A page of what was done, newest first. `action` is one, or the part before its dot for all of that kind."""
    statement = select(AuditEntry)
    if user_id is not None:
        statement = statement.where(AuditEntry.user_id == user_id)
    if subject_id is not None:
        statement = statement.where(AuditEntry.subject_id == subject_id)
    if action is not None:
        kind = AuditEntry.action.startswith(f"{action}.", autoescape=True)
        statement = statement.where(or_(AuditEntry.action == action, kind))
    rows, cursor = await page(session, statement, AuditEntry.id, paging)
    return [wire.AuditEntry.model_validate(row[0]) for row in rows], cursor
