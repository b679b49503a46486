"""How executions come to be at a trigger of a published version: one statement, any number of them, in the caller's transaction.

Whoever calls this pushes and rings (`Acceptor.announce`) once that transaction is committed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias
from uuid import UUID

import asyncpg

from trestle.contracts.base import EncodedJson

Database: TypeAlias = "asyncpg.Pool[asyncpg.Record] | asyncpg.pool.PoolConnectionProxy[asyncpg.Record] | asyncpg.Connection[asyncpg.Record]"

# The join is the truth about the trigger: it exists, belongs to the live version, and its workflow is enabled where that matters.
# A dedupe key that is there already makes no second execution: the first one is given back.
_INSERT = """
with incoming as materialized (
    select uuidv7() as id, i.*
    from unnest($1::uuid[], $2::json[], $3::json[], $4::json[], $5::text[], $6::text[], $7::json[], $8::boolean[],
            $9::uuid[], $10::text[], $11::int[], $12::boolean[], $13::int[])
        with ordinality as i (trigger_id, trigger, input, input_refs, dedupe_key, kind, task, even_disabled,
            parent_id, parent_node, parent_item, parent_waits, depth, place)
), born as (
    insert into executions (id, project_id, workflow_id, snapshot_id, version, trigger, input, input_refs, dedupe_key, kind, task,
        parent_id, parent_node, parent_item, parent_waits, depth, seed, event_seq)
    select i.id, w.project_id, w.id, t.snapshot_id, t.version, i.trigger, i.input, i.input_refs, i.dedupe_key, i.kind, i.task,
        i.parent_id, i.parent_node, i.parent_item, coalesce(i.parent_waits, false), coalesce(i.depth, 0), uuid_send(gen_random_uuid()), 1
    from incoming i join triggers t on t.id = i.trigger_id join workflows w on w.id = t.workflow_id
    where w.enabled or i.even_disabled
    order by i.place
    on conflict (workflow_id, dedupe_key) where dedupe_key is not null do nothing
    returning id, workflow_id, project_id
), used as (
    insert into blob_uses (blob_id, execution_id)
    select distinct l.id, b.id
    from born b join incoming i using (id) cross join json_each(i.input_refs) r
    join blobs l on l.id = (r.value ->> 'id')::uuid and l.project_id = b.project_id and l.complete
)
select i.place::int, b.id, b.workflow_id from incoming i join born b using (id)
"""

_THERE = """
select i.place::int, e.id, e.workflow_id
from unnest($1::uuid[], $2::text[]) with ordinality as i (trigger_id, dedupe_key, place) join triggers t on t.id = i.trigger_id
join executions e on e.workflow_id = t.workflow_id and e.dedupe_key = i.dedupe_key
"""


class Family(NamedTuple):
    """The step that starts a child. `waits`: it waits for the child's end. `depth` of the child."""

    execution_id: UUID
    node: str
    item: int | None
    waits: bool
    depth: int


@dataclass(frozen=True, slots=True)
class Birth:
    """An execution to be. JSON is text. `input_refs`: as in contracts.jobs.Refs; the execution uses those blobs.
    `even_disabled`: its workflow need not be enabled.
    """

    trigger_id: UUID
    trigger: EncodedJson
    input: EncodedJson = "null"
    input_refs: EncodedJson | None = None
    dedupe_key: str | None = None
    kind: str = "run"
    task: EncodedJson | None = None
    even_disabled: bool = False
    family: Family | None = None


class Born(NamedTuple):
    """What came of a birth. `fresh` is False where its dedupe key named an execution that was there already."""

    execution_id: UUID
    workflow_id: UUID
    fresh: bool


async def insert(database: Database, births: Sequence[Birth]) -> list[Born | None]:
    """What came of each birth, in order; None where the trigger does not fire (any more). No two may share a dedupe key.

    `database`: a connection inside of the caller's transaction, or a pool, where the births are a transaction of their own.
    """
    families = [birth.family for birth in births]
    rows = await database.fetch(
        _INSERT,
        [b.trigger_id for b in births],
        [b.trigger for b in births],
        [b.input for b in births],
        [b.input_refs for b in births],
        [b.dedupe_key for b in births],
        [b.kind for b in births],
        [b.task for b in births],
        [b.even_disabled for b in births],
        [f.execution_id if f else None for f in families],
        [f.node if f else None for f in families],
        [f.item if f else None for f in families],
        [f.waits if f else None for f in families],
        [f.depth if f else None for f in families],
    )
    found: list[Born | None] = [None] * len(births)
    for row in rows:
        found[row["place"] - 1] = Born(row["id"], row["workflow_id"], fresh=True)
    missing = [place for place, birth in enumerate(births) if found[place] is None and birth.dedupe_key is not None]
    if missing:
        # A statement of its own sees what was committed while the first one waited for it.
        there = await database.fetch(_THERE, [births[at].trigger_id for at in missing], [births[at].dedupe_key for at in missing])
        for row in there:
            found[missing[row["place"] - 1]] = Born(row["id"], row["workflow_id"], fresh=False)
    return found
