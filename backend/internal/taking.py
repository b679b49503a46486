"""The statement that gives an execution an owner."""

from backend.executions.guards import guarded

LEASE_S = 30.0

JOB = """e.id, e.epoch, e.project_id, e.workflow_id, w.name as workflow_name, e.version, e.snapshot_id, e.trigger, e.input, e.input_refs,
    encode(e.seed, 'hex') as seed, e.attempt, e.created_at, e.until_node, e.only_node, e.retry_of, e.event_seq, now() as now"""

# `skip locked`: two claims of the same ids in different orders can't deadlock, and whoever holds a row is claiming,
# cancelling or pushing it. What is skipped by mistake is pushed again by the sweep.
TAKE = guarded(
    """
with wanted as (
    select e.id from executions e join snapshots s on s.id = e.snapshot_id
    where {which} and {e may claim} and e.blocked_on is null and s.types <@ (select types from executors where id = $1)
    order by e.id limit {limit} for no key update of e skip locked
)
update executions e set
    status = {to claim}, epoch = e.epoch + 1, report_seq = 0, executor_id = $1, claim_id = $2,
    lease_until = now() + make_interval(secs => $3), started_at = coalesce(e.started_at, now()), running_since = now(),
    wake_at = null, reason = null, slot = {slot}, event_seq = e.event_seq + 1
from wanted, workflows w where e.id = wanted.id and w.id = e.workflow_id
returning {job}
"""
).replace("{job}", JOB)
"""Parameters: executor, claim, lease (s). `{which}`, `{limit}` and `{slot}` are filled in by whoever uses it."""
