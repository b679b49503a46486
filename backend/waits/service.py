"""Answers from outside: who has a step's address may answer it, once."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic
from typing import Any, Literal

import orjson
from pydantic import Field

from backend.db import encode_json
from backend.errors import Conflict, Gone, NotFound, Unavailable
from backend.executions.resolutions import Outcome, resolve
from backend.services import Services
from trestle.contracts.base import JsonObject, JsonValue, Request
from trestle.contracts.jobs import BLOB_BYTES, Refs, Resolution
from trestle.contracts.resume_tokens import Bearer, TokenKind, read

_STATE = """
select w.name as workflow, s.status as step, s.wait, s.due_at, r.answer
from executions e left join workflows w on w.id = e.workflow_id
left join resolutions r on r.execution_id = e.id and r.node = $2 and r.item is not distinct from $3
left join lateral (
    select status, wait, due_at from steps
    where execution_id = e.id and node = $2 and item is not distinct from $3 order by attempt desc limit 1
) s on true
where e.id = $1
"""
_PROJECT = "select project_id from executions where id = $1"
_BETWEEN_S, _LOOK_AGAIN_S = 10, 0.1
_ENDED = "select finished_at is not null from executions where id = $1"


class Decision(Request):
    """What somebody decides. `name`: who they say they are."""

    decision: Literal["approved", "rejected"]
    comment: str = Field("", max_length=5_000)
    name: str = Field("", max_length=200)


@dataclass(frozen=True)
class Question:
    """What an approval asks, and what was `decided` (contracts.jobs.Resolution) if anything was. `open`: it can be decided."""

    title: str
    message: str
    workflow: str
    open: bool
    until: datetime | None
    decided: JsonObject | None


def bearer(parts: Services, token: str, kind: TokenKind) -> Bearer:
    """What a token speaks for. Raises NotFound where it is none of ours, or for something else."""
    found = read(parts.settings.secret_key.get_secret_value(), token)
    if found is None or found.kind != kind:
        raise NotFound("This address is not known here. Check that it was copied whole.")
    return found


async def question(parts: Services, asked: Bearer) -> Question:
    """What an approval asks. Raises NotFound where its execution is deleted."""
    row = await parts.database.hot.fetchrow(_STATE, asked.execution_id, asked.node, asked.item)
    if row is None:
        raise NotFound("The execution that asked this has been deleted.")
    decided = orjson.loads(row["answer"]) if row["answer"] is not None else None
    told = _object(decided) if decided is not None else _object(orjson.loads(row["wait"]) if row["wait"] is not None else None)
    over = row["step"] not in (None, "pending", "running", "waiting") or bool(await parts.database.hot.fetchval(_ENDED, asked.execution_id))
    return Question(
        title=str(told.get("title") or f"Approval for “{row['workflow'] or 'a deleted workflow'}”"),
        message=str(told.get("message") or ""),
        workflow=row["workflow"] or "",
        open=decided is None and not over,
        until=_end(told, row["due_at"]) if row["step"] == "waiting" else None,
        decided=_object(decided) if decided is not None else None,
    )


def _end(told: JsonObject, due_at: datetime | None) -> datetime | None:
    """When the wait ends. The step itself may be due before: to remind."""
    try:
        return datetime.fromisoformat(str(told["deadline"]))
    except (KeyError, ValueError):
        return due_at


def _object(value: Any) -> JsonObject:
    return value if isinstance(value, dict) else {}


async def decide(parts: Services, asked: Bearer, said: Decision) -> Question:
    """The question, decided.

    Raises:
        Conflict: it was decided before; says what.
        Gone: nobody waits for a decision any more.
        Unavailable: a reminder is being sent, and takes long.
        NotFound: the execution is deleted.
    """
    before = await question(parts, asked)
    answer = {
        "decision": said.decision,
        "comment": said.comment.strip() or None,
        "by": said.name.strip() or None,
        "at": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "title": before.title,
        "message": before.message,
    }
    await _answer(parts, asked, answer)
    return await question(parts, asked)


async def resume(parts: Services, asked: Bearer, call: JsonObject) -> None:
    """Hands a call `{…, body}` to the step that waits for one. A body over 256 KB lies in a blob. Raises as `decide` does."""
    refs: Refs = {}
    body = encode_json(call["body"])
    # Nothing is stored for who calls again and again.
    if len(body) > BLOB_BYTES and (await question(parts, asked)).open:
        _, large = await parts.blobs.spill(await parts.database.hot.fetchval(_PROJECT, asked.execution_id), body)
        call, refs = {**call, "body": None}, {f"/body{pointer}": ref for pointer, ref in large.items()}
    await _answer(parts, asked, call, refs)


async def _answer(parts: Services, asked: Bearer, answer: JsonValue, refs: Refs | None = None) -> None:
    resolution = Resolution(node=asked.node, item=asked.item, kind=asked.kind, answer=answer, refs=refs or {})
    outcome = await resolve(parts.database.hot, parts.queue, parts.doorbell, asked.execution_id, resolution)
    until = monotonic() + _BETWEEN_S
    while outcome is Outcome.OVER and (await question(parts, asked)).open:
        # A part of its wait is over, and its node runs: it reminds people and waits on, or goes on without an answer.
        if monotonic() > until:
            raise Unavailable("A reminder of this is being sent just now. Nothing was changed. Try again in a moment.")
        await asyncio.sleep(_LOOK_AGAIN_S)
        outcome = await resolve(parts.database.hot, parts.queue, parts.doorbell, asked.execution_id, resolution)
    if outcome is Outcome.FIRST:
        return
    now = await question(parts, asked)
    if now.decided is None:
        raise Gone("Nobody waits for this any more: its time ran out, or its execution has ended.")
    if asked.kind == "webhook":
        raise Conflict("This address has been called already, and counts once. Nothing was changed.")
    raise Conflict(f"{sentence(now.decided)} That stays. Nothing was changed.")


def sentence(decided: JsonObject) -> str:
    """`This was approved by Ada on 1 May 2030 at 12:00 UTC.`"""
    by = f" by {decided['by']}" if decided.get("by") else ""
    try:
        at = datetime.fromisoformat(str(decided.get("at"))).strftime(" on %-d %B %Y at %H:%M UTC")
    except ValueError:
        at = ""
    return f"This was {decided.get('decision', 'answered')}{by}{at}."
