"""The statement that gives an execution an owner."""

from typing import Literal

from backend.db import readable
from backend.executions.guards import guarded

LEASE_S = 30.0
SUSPECT_AFTER = 3
"""Interruptions without progress: then an execution runs in a quarantine lane only, a process of its own."""

JOB = """e.id, e.epoch, e.kind, e.task, e.project_id, e.workflow_id, w.name as workflow_name, e.version, e.snapshot_id, e.trigger, e.input,
    e.input_refs, encode(e.seed, 'hex') as seed, e.depth, e.attempt, e.created_at, e.until_node, e.only_node, e.retry_of,
    e.event_seq,
    case when s.reads_vars then (
        select json_object_agg(v.name, v.value) from variables v where v.project_id = e.project_id
    ) end as variables,
    now() as now"""

# Node code decides who may run it; of a credential's test, the credential type does. Without a workflow there is nothing else to run.
ELIGIBLE = """{e may claim} and e.blocked_on is null and {lane} and s.types <@ (select types from executors where id = $1)
        and (e.workflow_id is not null or e.kind = 'check')
        and (e.kind <> 'check' or {type} = any ((select credential_types from executors where id = $1)::text[]))""".replace(
    "{type}", f"{readable('e.task')} ->> 'credential_type'"
)
"""SQL: whether the executor $1 may claim the execution `e` with the snapshot `s`. `{lane}` is filled in by `in_lane`."""

# `skip locked`: two claims of the same ids in different orders can't deadlock, and whoever holds a row is claiming,
# cancelling or pushing it. What is skipped by mistake is pushed again by the sweep.
TAKE = guarded(
    """
with wanted as (
    select e.id, e.workflow_id, s.reads_vars from executions e join snapshots s on s.id = e.snapshot_id
    where {which} and {eligible}
    order by e.id limit {limit} for no key update of e skip locked
)
update executions e set
    status = {to claim}, epoch = e.epoch + 1, report_seq = 0, executor_id = $1, claim_id = $2,
    lease_until = now() + make_interval(secs => $3), started_at = coalesce(e.started_at, now()), running_since = now(),
    wake_at = null, reason = null, slot = {slot}, event_seq = e.event_seq + 1
from wanted s left join workflows w on w.id = s.workflow_id where e.id = s.id
returning {job}
""".replace("{eligible}", ELIGIBLE)
).replace("{job}", JOB)
"""Parameters: executor, claim, lease (s). `{which}`, `{limit}`, `{slot}` and `{lane}` are filled in by whoever uses it."""


Way = Literal["main", "quarantine", "alone"]
"""How an execution is run: like all others; among other suspects in a quarantine lane; or alone in one, after a lane died with it."""

_WAYS: dict[Way, str] = {
    "main": f"e.interruptions < {SUSPECT_AFTER}",
    "quarantine": f"e.interruptions = {SUSPECT_AFTER} and not {{holds}} and r.interruptions > {SUSPECT_AFTER})",
    "alone": f"e.interruptions > {SUSPECT_AFTER} and not {{holds}})",
}
_HOLDS = "exists (select from executions r where r.executor_id = $1 and r.status in ('running', 'paused')"


def in_lane(statement: str) -> dict[Way, str]:
    """The statement for each way: a quarantine lane takes suspects only, and nobody else takes one."""
    return {way: statement.replace("{lane}", which.replace("{holds}", _HOLDS)) for way, which in _WAYS.items()}
