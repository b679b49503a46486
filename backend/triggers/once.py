"""Calls that may come twice and shall count once: by the caller's `Idempotency-Key`, or by what the webhook's `dedupe` says."""

import hashlib
import json
from uuid import UUID

import asyncpg
import orjson

from backend.errors import Unprocessable
from backend.executions import births, repeats
from backend.executions.accept import Acceptor
from backend.executions.births import Birth
from backend.triggers.directory import Webhook
from backend.triggers.payload import Headers, header
from trestle.contracts.base import EncodedJson, JsonValue
from trestle.language import LanguageError, Scope, compile_config

_LONG = 200


class CantTell(Unprocessable):
    """The call lacks what the webhook's `dedupe` looks at."""


async def accept(
    pool: "asyncpg.Pool[asyncpg.Record]", acceptor: Acceptor, birth: Birth, *, scope: str, key: str, asked: bytes
) -> UUID | None:
    """The id of the execution that this call, or the first one like it, started; None where the trigger does not fire (any more).

    Raises:
        Unprocessable: the key was used for another request.
        TooManyRequests: too many executions are queued.
    """
    await acceptor.backlog.admit(webhook=True)
    async with pool.acquire() as connection, connection.transaction():
        if key:
            first = await repeats.reserve(connection, scope, key, asked)
            if first is not None:
                return UUID(first["execution_id"])
        (born,) = await births.insert(connection, [birth])
        if key and born is not None:
            await repeats.remember(connection, scope, key, f'{{"execution_id":"{born.execution_id}"}}')
        elif key:
            await repeats.forget(connection, scope, key)
    if born is None:
        return None
    if born.fresh:
        acceptor.announce([(born.execution_id, born.workflow_id)])
    return born.execution_id


def dedupe_key(hook: Webhook, trigger: EncodedJson, input: EncodedJson, headers: Headers) -> str | None:
    """What tells this call from others: what the webhook's `dedupe` gives, or else the sender's id of the delivery, where the
    webhook's scheme has one. None where there is neither: then every call counts.

    Raises CantTell where the call lacks what the expression looks at.
    """
    value = _by_expression(hook, trigger, input)
    if value is None or value == "":
        value = _delivery_id(hook, input, headers)
        return _key(f"webhook:{hook.node}#{hook.auth['kind']}:{value}", hook) if value else None
    return _key(f"webhook:{hook.node}:{value if isinstance(value, str) else json.dumps(value, sort_keys=True)}", hook)


def _by_expression(hook: Webhook, trigger: EncodedJson, input: EncodedJson) -> JsonValue:
    expression = hook.config.get("dedupe")
    if not expression:
        return None
    try:
        template = compile_config({"dedupe": expression})
        return template.render(Scope(payload=orjson.loads(input), trigger=orjson.loads(trigger)))["dedupe"]
    except LanguageError as error:
        raise CantTell(f"This webhook tells calls apart by {expression}, which can't be found in this one: {error}") from None


def _delivery_id(hook: Webhook, input: EncodedJson, headers: Headers) -> str:
    match hook.auth.get("kind"):
        case "github":
            return header(headers, b"x-github-delivery")
        case "standard":
            return header(headers, b"webhook-id")
        case "stripe":
            event = orjson.loads(input)
            ident = event.get("id") if isinstance(event, dict) else None
            return ident if isinstance(ident, str) else ""
    return ""


def _key(text: str, hook: Webhook) -> str:
    return text if len(text) <= _LONG and "\0" not in text else f"webhook:{hook.node}:{hashlib.sha256(text.encode()).hexdigest()}"
