"""Old firings, polls and checks go, a batch at a time."""

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

# The last few polls of a trigger stay, for whoever looks why it failed.
_OLD_JOBS = """
delete from executions e using (
    select id, finished_at, row_number() over (partition by workflow_id, kind, task ->> 'node' order by id desc) as place
    from executions where kind <> 'run'
) j
where e.id = j.id and e.id in (
    select k.id from executions k where k.kind <> 'run' and k.finished_at < now() - interval '10 minutes'
    order by k.id limit $1 for update skip locked
) and (e.kind = 'check' or j.place > 3)
"""


async def tidy(pool: "asyncpg.Pool[asyncpg.Record]") -> None:
    """One batch of each. Several backends may do it at once."""
    await pool.execute(_OLD_FIRINGS, _BATCH)
    await pool.execute(_OLD_JOBS, _BATCH)
