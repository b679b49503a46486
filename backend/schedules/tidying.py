"""Old firings go, a batch at a time. (Old polls and checks do with retention, see retention.pruning.)"""

import asyncpg

_BATCH = 1000

# The newest of each schedule stays, however old: it is its last result.
_OLD_FIRINGS = """
delete from firings f using (
    select old.workflow_id, old.node, old.fire_at from firings old
    where old.created_at < now() - interval '30 days'
        and exists (select from firings newer
            where newer.workflow_id = old.workflow_id and newer.node = old.node and newer.fire_at > old.fire_at)
    limit $1 for update skip locked
) d where f.workflow_id = d.workflow_id and f.node = d.node and f.fire_at = d.fire_at
"""


async def tidy(pool: "asyncpg.Pool[asyncpg.Record]") -> None:
    """One batch. Several backends may do it at once."""
    await pool.execute(_OLD_FIRINGS, _BATCH)
