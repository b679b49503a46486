"""`POST /internal/v1/notify`: a running step tells people of its project something."""

from uuid import UUID

import asyncpg

from backend.errors import Unprocessable
from backend.internal.owned import owned
from trestle.contracts.jobs import Notified, NotifyRequest

_MAX_CHARACTERS = 10_000

# A role is one that people have in the project, or a label that they were given there; `owner` is also whose personal project it is.
# A step that runs again finds the rows of its first time, and tells nobody twice.
_TELL = """
with people as (
    select u.id from memberships m join users u on u.id = m.user_id join projects p on p.id = m.project_id
    where m.project_id = $1 and u.active and case
        when $2::text is not null then
            lower($2) in (select lower(label) from unnest(m.labels || m.role) label)
            or lower($2) = 'owner' and p.personal_of = u.id
        else u.id::text = lower($3) or u.email = $3::citext
    end
), told as (
    insert into notifications (user_id, key, title, message, link, project_id, workflow_id, execution_id)
    select id, $4, $5, $6, $7, $1, $8, $9 from people on conflict (user_id, key) do nothing
)
select count(*) from people
"""


async def tell(pool: "asyncpg.Pool[asyncpg.Record]", executor_id: UUID, asked: NotifyRequest) -> Notified:
    """How many people were told; 0 where there is nobody of that role or id in the project.

    Raises:
        NotFound: the execution is not the executor's under that epoch (any more).
        Unprocessable: neither or both of role and user; a link that is none.
    """
    role, user = (asked.to_role or "").strip() or None, (asked.to_user or "").strip() or None
    if (role is None) == (user is None):
        raise Unprocessable("Say who is told: either a role (or label), or a user's id or e-mail address.")
    if asked.link is not None and not asked.link.startswith(("https://", "http://", "/")):
        raise Unprocessable("A link starts with https:// or http://, or with / for a page of this installation.")
    title, message = (_storable(text) for text in (asked.title, asked.message))
    async with pool.acquire() as connection, connection.transaction():
        execution = await owned(connection, executor_id, asked.execution_id, asked.epoch, hold=True)
        about = execution["workflow_id"], asked.execution_id
        count = await connection.fetchval(_TELL, execution["project_id"], role, user, asked.key, title, message, asked.link, *about)
    return Notified(recipients=count)


def _storable(text: str) -> str:
    """PostgreSQL's texts hold no NUL; and a message is no document."""
    return text.replace("\0", "")[:_MAX_CHARACTERS]
