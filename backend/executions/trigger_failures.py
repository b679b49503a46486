"""Triggers that fail: each failure is a failed execution of the trigger's workflow. So it is in the history, in words, and starts error
workflows as every other failure does (settling).

Of what fails again and again, whoever records it records the beginning only: what was well before and fails now. Where nobody
knows what was before, `dedupe_key` makes one a day of it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

import structlog

from backend.blobs import uses
from backend.blobs.service import encoded_refs
from backend.executions.births import Database
from backend.executions.doorbell import Change, Doorbell
from backend.executions.settling import Settler
from trestle.contracts.base import EncodedJson
from trestle.contracts.executions import ExecutionError
from trestle.contracts.jobs import Refs

TYPE = "trigger_failed"
"""Type of the error of such an execution."""

log = structlog.get_logger(__name__)

_INSERT = """
with failing as materialized (
    select uuidv7() as id, i.* from unnest($1::uuid[], $2::json[], $3::json[], $4::json[], $5::json[], $6::text[])
        with ordinality as i (trigger_id, trigger, error, input, input_refs, dedupe_key, place)
), born as (
    insert into executions (id, project_id, workflow_id, snapshot_id, version, status, trigger, input, input_refs, error, dedupe_key,
        seed, event_seq, started_at, finished_at)
    select i.id, w.project_id, w.id, t.snapshot_id, t.version, 'failed', i.trigger, i.input, i.input_refs, i.error, i.dedupe_key,
        uuid_send(gen_random_uuid()), 1, now(), now()
    from failing i join triggers t on t.id = i.trigger_id join workflows w on w.id = t.workflow_id
    where w.enabled
    order by i.place
    on conflict (workflow_id, dedupe_key) where dedupe_key is not null do nothing
    returning id, workflow_id
)
select i.trigger_id, b.id, b.workflow_id from born b join failing i using (id)
"""


@dataclass(frozen=True, slots=True)
class Failure:
    """A trigger that could not do its work. `trigger`: the circumstances, as an execution's; `error` names the node; `input` is what
    would have started the workflow, where there was something. No two in one call may share a `dedupe_key` and a workflow."""

    trigger_id: UUID
    trigger: EncodedJson
    error: ExecutionError
    input: EncodedJson = "null"
    refs: Refs = field(default_factory=dict)
    dedupe_key: str | None = None


class Failed(NamedTuple):
    """The execution that tells of a failure."""

    trigger_id: UUID
    execution_id: UUID
    workflow_id: UUID


def failure(node: str, message: str, hint: str = "") -> ExecutionError:
    """Why the trigger `node` failed."""
    return ExecutionError(type=TYPE, message=message, hint=hint, node=node)


async def record(database: Database, failures: Sequence[Failure]) -> list[Failed]:
    """Writes them down, in the caller's transaction where `database` is a connection; `announce` them after its commit.

    Leaves out those of workflows that are disabled or gone, and those whose `dedupe_key` was there before.
    """
    if not failures:
        return []
    rows = await database.fetch(
        _INSERT,
        [f.trigger_id for f in failures],
        [f.trigger for f in failures],
        [f.error.model_dump_json() for f in failures],
        [f.input for f in failures],
        [encoded_refs(f.refs) for f in failures],
        [f.dedupe_key for f in failures],
    )
    failed = [Failed(row["trigger_id"], row["id"], row["workflow_id"]) for row in rows]
    refs = {f.trigger_id: f.refs for f in failures if f.refs}
    await uses.note(database, [(one.execution_id, ref) for one in failed for ref in refs.get(one.trigger_id, {}).values()])
    said = {f.trigger_id: f.error for f in failures}
    for one in failed:
        error = said[one.trigger_id]
        log.warning("trigger_failed", workflow_id=str(one.workflow_id), node=error.node, error=error.message)
    return failed


def announce(doorbell: Doorbell, settler: Settler, failed: Iterable[Failed]) -> None:
    """Tells those who watch, and lets error workflows start."""
    told = list(failed)
    doorbell.ring(Change(one.execution_id, one.workflow_id, 1) for one in told)
    settler.soon(one.execution_id for one in told)
