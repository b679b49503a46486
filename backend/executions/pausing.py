"""Pause and resume (PROTOCOL, row 16), as SQL. Both travel to the children that a step waits for, and to theirs: while somebody looks into
an execution nothing new starts in its name. Who was paused with a caller is resumed with it; who was paused by itself before is not.
"""

from backend.executions.guards import guarded

# The owner of a running one keeps it, under its lease and epoch, until its running steps have finished. Time that is paused does not
# count as running.
_PAUSE = guarded("""
update executions e set status = {to pause}, reason = {why}, blocked_on = null, event_seq = e.event_seq + 1, running_since = null,
    paused_with_caller = {with_caller}, lease_until = case when e.status = 'running' then e.lease_until end,
    running_ms = e.running_ms + coalesce(extract(epoch from now() - e.running_since) * 1000, 0)
where {which} and {e may pause}
returning e.id, e.workflow_id, e.event_seq, e.status, e.calls
""")

# Who still has it goes on with it. A wait that is not over yet is found by whoever claims it, who hands it back.
_RESUME = guarded("""
update executions e set event_seq = e.event_seq + 1, last_push = now(), wake_at = null, reason = null, paused_with_caller = false,
    status = case when e.lease_until > now() then {to regain} else {to resume} end,
    running_since = case when e.lease_until > now() then now() end,
    executor_id = case when e.lease_until > now() then e.executor_id end,
    lease_until = case when e.lease_until > now() then e.lease_until end
where {which} and {e may resume}
returning e.id, e.workflow_id, e.event_seq, e.status, e.calls
""")
_WITH_CALLER = _PAUSE.replace("{why}", "'Paused with the execution that called it.'").replace("{with_caller}", "true")
_CHILDREN = "e.parent_id = any({ids}) and e.parent_waits"

PAUSE = _PAUSE.replace("{why}", "null").replace("{with_caller}", "false").replace("{which}", "e.id = {id}")
"""Of one that a person pauses: `{id}`. Returns id, workflow_id, event_seq, status, calls; so do the others."""
PAUSE_CHILDREN = _WITH_CALLER.replace("{which}", _CHILDREN)
"""Of the children that `{ids}`, just paused, wait for. A statement of its own: it sees those that were started until then."""
PAUSE_CHILD = _WITH_CALLER.replace("{which}", "e.id = {id}")
"""Of one that a step of a paused execution started, while it was allowed to finish."""

RESUME = _RESUME.replace("{which}", "e.id = {id}")
RESUME_CHILDREN = _RESUME.replace("{which}", f"{_CHILDREN} and e.paused_with_caller")
RESUME_CHILD = _RESUME.replace("{which}", "e.id = {id} and e.paused_with_caller")
"""Of one that was paused with a caller that is gone, and which a retry of that caller takes over."""
