"""Workflows are deleted in several transactions: there may be much under way, and failures that somebody is to hear of first.

Were it cut off, a disabled workflow with less history is left. The audit says so: it was begun. To delete it again goes on from there.
"""

from functools import partial
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend.audit.service import record
from backend.db import commit, despite_deadlocks, is_away, is_deadlock
from backend.errors import Unavailable
from backend.executions import letting_go
from backend.models import User, Workflow
from backend.ownership import find
from backend.schedules import registration
from backend.services import Services
from trestle.contracts.audit import Action
from trestle.contracts.users import ProjectRole

_HALF_WAY = (
    "The workflow is disabled, and what ran of it may be cancelled; but it is not deleted yet: the database did not answer in time. "
    "Delete it again in a few seconds."
)


async def delete(parts: Services, session: AsyncSession, user: User, ident: UUID) -> None:
    """The workflow with its versions and triggers. Its executions stay; those under way are cancelled.

    Raises NotFound and Forbidden as `find` does; Unavailable where the database failed half-way.
    """
    workflow = await find(session, user, Workflow, ident, needs=ProjectRole.EDITOR, lock=True)
    record(session, Action.WORKFLOW_DELETION_BEGUN, workflow.id, workflow.name, workflow.project_id)
    workflow.enabled = False
    await registration.disarm(session, ident)
    await commit(session)  # what follows may take a while, in which no connection is held
    try:
        await letting_go.most(parts, ident)
        while True:
            told = await letting_go.told(parts, ident)
            if await despite_deadlocks(session, partial(_gone, parts, session, user, ident, after_failures=told)):
                return
            await commit(session)
    except Exception as error:
        if is_away(error) or is_deadlock(error):
            raise Unavailable(_HALF_WAY, headers={"Retry-After": "2"}) from error
        raise


async def _gone(parts: Services, session: AsyncSession, user: User, ident: UUID, *, after_failures: bool) -> bool:
    """Deletes it, unless something failed while this waited for it, and `after_failures` is True: nobody has been told of that yet."""
    workflow = await find(session, user, Workflow, ident, needs=ProjectRole.EDITOR, lock=True)
    await letting_go.cancel_rest(parts, session, ident)
    if after_failures and await letting_go.untold(session, ident):
        return False
    record(session, Action.WORKFLOW_DELETED, workflow.id, workflow.name, workflow.project_id)
    await session.delete(workflow)
    return True
