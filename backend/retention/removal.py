"""The one statement that deletes executions: a bounded number of those that are over and done with.

Their steps, logs, answers and claims on blobs go with them, by cascade. Nobody waits for it: what somebody else holds is left for
the next batch, and no other row is locked.
"""

from backend.stats.tallying import BIN

BATCH = 500
"""Executions a transaction."""

# An end that has yet to be told (to a waiting parent, to error workflows) keeps its row. So does a parent that is still under way its
# children's: a step of it that runs again would start them anew. (`is not false`: one look into an index for each, where `not exists`
# may read all executions once a batch.)
_REMOVABLE = """e.finished_at is not null
        and (e.settled or (e.status = 'succeeded' and not e.parent_waits and not e.calls))
        and (select p.finished_at is not null from executions p where p.id = e.parent_id) is not false"""

_REMOVE = """
with doomed as (
    select e.id from executions e
    where {which} and {removable}
    {order} limit {batch} for update of e skip locked
), gone as (
    delete from executions e using doomed where e.id = doomed.id
    returning e.id, e.project_id
), counted as (
    update tallies t set stale = true
    from (select distinct project_id, {bin} as at from gone) g where t.project_id = g.project_id and t.at = g.at and not t.stale
)
select id from gone
"""

YOUNG = "(e.dedupe_key is not null and e.finished_at > now() - interval '24 hours')"
"""SQL: a second delivery of the same thing must still find this one."""


def removing(which: str, order: str = "") -> str:
    """The statement for the executions `e` that `which` tells, in this `order`. It returns the ids of those that are gone."""
    whole = _REMOVE.replace("{which}", which).replace("{removable}", _REMOVABLE)
    whole = whole.replace("{bin}", BIN.replace("{id}", "id"))
    return whole.replace("{order}", order).replace("{batch}", str(BATCH))
