"""A witness inside of PostgreSQL: triggers on a test's own database that see every write, and note down what may never happen.

The product knows nothing of it. What it notes commits, or vanishes, together with the write that it saw.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import asyncpg

from trestle.contracts.states import MOVES, TERMINAL


def _texts(values: Iterable[str]) -> str:
    return ", ".join(f"'{value}'" for value in sorted(values))


_TERMINAL = _texts(TERMINAL)
_MOVES = _texts({f"{source} → {target}" for (source, _), target in MOVES.items()})

INSTALL = f"""
create table witness_history (
    at timestamptz not null default clock_timestamp(),
    execution_id uuid, status text, epoch int, report_seq int, executor_id uuid
);
create index on witness_history (execution_id, at);
create table witness_successes (
    execution_id uuid, node text, item int, epoch int, at timestamptz not null default clock_timestamp(),
    unique nulls not distinct (execution_id, node, item)
);
create table witness_violations (at timestamptz not null default clock_timestamp(), what text, execution_id uuid, detail text);

create function witness_execution() returns trigger language plpgsql as $body$
begin
    if tg_op = 'UPDATE' then
        if new.epoch < old.epoch or new.epoch > old.epoch + 1 then
            insert into witness_violations (what, execution_id, detail) values ('epoch', new.id, old.epoch || ' → ' || new.epoch);
        end if;
        if new.epoch = old.epoch and new.executor_id <> old.executor_id then
            insert into witness_violations (what, execution_id, detail) values ('two owners of an epoch', new.id, new.epoch::text);
        end if;
        if old.status in ({_TERMINAL}) and new.status <> old.status then
            insert into witness_violations (what, execution_id, detail)
                values ('left a final state', new.id, old.status || ' → ' || new.status);
        elsif new.status <> old.status and old.status || ' → ' || new.status not in ({_MOVES}) then
            insert into witness_violations (what, execution_id, detail)
                values ('no such move', new.id, old.status || ' → ' || new.status);
        end if;
        if (new.status, new.epoch, new.report_seq) is not distinct from (old.status, old.epoch, old.report_seq) then
            return null;
        end if;
    end if;
    insert into witness_history (execution_id, status, epoch, report_seq, executor_id)
        values (new.id, new.status, new.epoch, new.report_seq, new.executor_id);
    return null;
end $body$;

create function witness_step() returns trigger language plpgsql as $body$
declare
    seen text := '';
begin
    if tg_op = 'UPDATE' then
        seen := old.status;
        if old.status = 'succeeded' and (new.status <> 'succeeded' or new.output::text is distinct from old.output::text) then
            insert into witness_violations (what, execution_id, detail) values ('a recorded success changed', new.execution_id, new.node);
        end if;
    end if;
    if (tg_op = 'INSERT' or new.epoch <> old.epoch)
            and new.epoch < (select epoch from executions where id = new.execution_id) then
        insert into witness_violations (what, execution_id, detail)
            values ('stale write', new.execution_id, new.node || ' by epoch ' || new.epoch);
    end if;
    if new.status = 'succeeded' and seen <> 'succeeded' then
        insert into witness_successes (execution_id, node, item, epoch) values (new.execution_id, new.node, new.item, new.epoch)
            on conflict do nothing;
        if not found then
            insert into witness_violations (what, execution_id, detail) values ('succeeded twice', new.execution_id, new.node);
        end if;
    end if;
    return null;
end $body$;

create trigger witness after insert or update on executions for each row execute function witness_execution();
create trigger witness after insert or update on steps for each row execute function witness_step();
"""


@dataclass(frozen=True)
class Success:
    """When a step's success was recorded (Unix time), and under which epoch."""

    at: float
    epoch: int


async def install(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """From now on, every write is watched."""
    await connection.execute(INSTALL)


async def violations(connection: "asyncpg.Connection[asyncpg.Record]") -> list[str]:
    """What happened that may not: empty, if all is well."""
    rows = await connection.fetch("select what, execution_id, detail from witness_violations order by at")
    return [f"{row['what']}: {row['detail']} ({row['execution_id']})" for row in rows]


async def successes(connection: "asyncpg.Connection[asyncpg.Record]") -> dict[tuple[str, str, int | None], Success]:
    """By (execution, node, item): the recorded successes."""
    query = "select execution_id::text, node, item, epoch, extract(epoch from at)::float8 as at from witness_successes"
    return {(row["execution_id"], row["node"], row["item"]): Success(row["at"], row["epoch"]) for row in await connection.fetch(query)}
