"""Which executions use which blobs: what is used is kept, and may be read by whoever may see the execution."""

from collections.abc import Iterable
from uuid import UUID

from backend.executions.births import Database
from trestle.contracts.jobs import BlobRef, Refs

# A reference to another project's blob is worth nothing: it is never noted, so it can't be read. What is used counts as the
# execution's bytes, once.
_NOTE = """
with used as (
    insert into blob_uses (blob_id, execution_id)
    select distinct b.id, e.id from unnest($1::uuid[], $2::uuid[]) as u (execution_id, blob_id)
    join executions e on e.id = u.execution_id join blobs b on b.id = u.blob_id and b.project_id = e.project_id and b.complete
    on conflict do nothing
    returning blob_id, execution_id
), counted as (
    select u.execution_id, sum(b.size)::bigint as bytes from used u join blobs b on b.id = u.blob_id group by u.execution_id
)
update executions e set bytes = e.bytes + counted.bytes from counted where e.id = counted.execution_id
"""


_USED = "select blob_id from blob_uses where execution_id = $1 and blob_id = any($2::uuid[])"


async def used(database: Database, execution_id: UUID, refs: Refs) -> Refs:
    """Those of the references whose blobs the execution uses. A reference says which blob belongs into a value, but gives nobody a right
    to it: ask this before bytes leave for anybody but the execution's owner."""
    if not refs:
        return refs
    rows = await database.fetch(_USED, execution_id, [ref.id for ref in refs.values()])
    known = {row["blob_id"] for row in rows}
    return {pointer: ref for pointer, ref in refs.items() if ref.id in known}


async def note(database: Database, used: Iterable[tuple[UUID, BlobRef]]) -> None:
    """Notes `(execution, blob)` pairs, in the caller's transaction where `database` is a connection."""
    pairs = list(used)
    if pairs:
        await database.execute(_NOTE, [execution_id for execution_id, _ in pairs], [ref.id for _, ref in pairs])
