"""OAuth2 credentials with real processes and a real provider: twenty steps and one renewal; tokens that nothing else gets to see."""

import asyncio
from pathlib import Path
from typing import Any

import asyncpg
from redis.asyncio import Redis

from tests.acceptance.api import Api
from tests.acceptance.stack import Stack, running
from tests.provider import ACCOUNT, CANARY, SECRET, Provider, provider
from trestle.cli.home import Home

STEPS = 20
_READS = {
    b"string": lambda redis, key: redis.get(key),
    b"list": lambda redis, key: redis.lrange(key, 0, -1),
    b"hash": lambda redis, key: redis.hgetall(key),
    b"set": lambda redis, key: redis.smembers(key),
    b"zset": lambda redis, key: redis.zrange(key, 0, -1),
    b"stream": lambda redis, key: redis.xrange(key),
}


async def connect(api: Api, service: Provider) -> dict[str, Any]:
    """A credential that is connected, as a script may do it."""
    made: dict[str, Any] = await api.call("POST", "/credentials", json=service.credential())
    begun = await api.call("GET", f"/credentials/oauth2/authorize?credential_id={made['id']}")
    service.redirect_url = begun["redirect_url"]
    location = await service.consent(begun["url"])
    status, page, _ = await api.raw("GET", location.removeprefix(api.url), headers={"Authorization": ""})
    assert status == 200, page
    return made


async def sql(stack: Stack, statement: str) -> Any:
    """One value out of the database."""
    connection = await asyncpg.connect(stack.database_url)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


async def test_twenty_steps_at_once_renew_once_and_leave_no_token_behind(migrated_home: Home, tmp_path: Path) -> None:
    def two_of_each(stack: Stack) -> None:
        stack.adapt("executor-2", TRESTLE_BACKEND_URL=stack.backend_urls[1])

    async with provider() as service:
        with running(
            migrated_home, tmp_path / "home", backends=2, executors=2, tuning={"max_connections": "100"}, prepare=two_of_each
        ) as stack:
            async with Api(stack.backend_url) as api:
                await api.sign_up()
                made = await connect(api, service)
                hook = {"key": "hook", "type": "trigger.webhook", "config": {"path": "go"}}
                config = {"url": f"{service.url}/api/me", "credential": made["id"]}
                # Each node has its own place in an executor's memory, so that none is spared the question.
                calls = [{"key": f"call_{n}", "type": "http.request", "config": config} for n in range(STEPS)]
                await api.workflow([hook, *calls], [("hook", str(call["key"])) for call in calls])

                async def run() -> dict[str, Any]:
                    return await api.finished(await api.post_webhook("go", {}))

                await sql(stack, "update oauth2_grants set expires_at = now() + interval '30 seconds'")
                service.slow_s = 0.5
                both = await asyncio.gather(run(), run())
                assert [one["status"] for one in both] == ["succeeded", "succeeded"], both
                assert service.asked_for("refresh_token") == 1
                seen = [step["output"]["body"] for step in await api.steps(both[0]["id"]) if step["type"] == "http.request"]
                assert seen == [{"account": ACCOUNT, "seen": "[redacted]"}] * STEPS

                # The provider withdraws what has not run out: a step that is refused gets another token, once for all.
                await sql(stack, "update oauth2_grants set renewed_at = now() - interval '1 hour'")
                service.expire()
                again = await asyncio.gather(run(), run())
                assert [one["status"] for one in again] == ["succeeded", "succeeded"], again
                assert service.asked_for("refresh_token") == 2

                service.expire()
                service.forget()
                await sql(stack, "update oauth2_grants set renewed_at = now() - interval '1 hour'")
                failed = await run()
                assert failed["status"] == "failed"
                assert "connect it again" in failed["error"]["hint"], failed["error"]
                shown = await api.call("GET", f"/credentials/{made['id']}")
                assert (shown["connected"], "connect it again" in shown["problem"]) == (False, True)

                answers = [both, again, failed, shown, await api.steps(again[0]["id"]), await api.call("GET", "/credentials")]
                logs = "".join(stack.log(name) for name in ("backend", "backend-2", "executor", "executor-2", "postgres"))
                for secret in (CANARY, SECRET):
                    assert secret not in str(answers)
                    assert secret not in logs
                    assert secret not in await everything_in_redis(stack)
                    for table in await tables(stack):
                        hexed = secret.encode().hex()
                        query = f"select count(*) from {table} t where t::text like '%{secret}%' or t::text like '%{hexed}%'"
                        assert not await sql(stack, query), (table, secret)
                assert len(service.given) == 6, "there was something to find"


async def tables(stack: Stack) -> list[str]:
    """Every table."""
    names: str = await sql(stack, "select string_agg(tablename, ' ') from pg_tables where schemaname = 'public'")
    assert "oauth2_grants" in names
    return names.split()


async def everything_in_redis(stack: Stack) -> str:
    """Every key with its value."""
    async with Redis.from_url(stack.redis_url) as redis:
        return str([(key, await _READS[await redis.type(key)](redis, key)) async for key in redis.scan_iter()])
