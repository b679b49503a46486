"""Cancelling, as SQL: by a person, with a caller, or when a step has another child (PROTOCOL, row 16)."""

from backend.executions.guards import guarded

# A running one keeps executor, epoch and seq: its owner is told to cancel, and its last report is known as a repeat.
CANCEL = guarded("""
with ended as (
    update executions e set status = {to cancel}, finished_at = now(), wake_at = null, lease_until = null, reason = null,
        event_seq = e.event_seq + 1, running_since = null,
        running_ms = e.running_ms + coalesce(extract(epoch from now() - e.running_since) * 1000, 0)
    where {which} and {e may cancel}
    returning e.id, e.workflow_id, e.event_seq, e.status
), stopped as (
    update steps s set status = 'cancelled', finished_at = now(), event_seq = ended.event_seq
    from ended where s.execution_id = ended.id and s.status in ('pending', 'running', 'waiting')
)
select id, workflow_id, event_seq, status from ended
""")
"""`{which}` says which executions `e`, as far as they may be cancelled. Settle (settling) what it returns, after the commit: children of
theirs are to be cancelled as well."""
