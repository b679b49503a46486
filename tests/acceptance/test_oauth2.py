"""OAuth2 credentials with real processes and a real provider: twenty steps and one renewal; tokens that nothing else gets to see."""

import asyncio
from pathlib import Path
from typing import Any

import asyncpg
from playwright.async_api import expect
from redis.asyncio import Redis

from tests.acceptance import browser
from tests.acceptance.api import Api
from tests.acceptance.stack import Stack, running
from tests.provider import ACCOUNT, CANARY, SECRET, Provider, provider
from tests.web.editor.test_settings_pages import pick
from trestle.cli.home import Home
from trestle.contracts.credentials import OAUTH2_CALLBACK as CALLBACK

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


async def test_connect_in_a_window_of_the_browser(house: Stack) -> None:
    """New credential, Connect, agree, connected; a denial, a blocked window, a withdrawn consent, Disconnect: as a person sees them."""
    shots = browser.shots()
    async with (
        provider(redirect_url=f"{house.backend_url}{CALLBACK}") as service,
        browser.page(height=1000) as page,
        Api(house.backend_url) as api,
    ):
        wrong: list[str] = []
        page.on("pageerror", lambda error: wrong.append(str(error)))
        await api.sign_up()
        await page.goto(house.web_url)
        await page.fill("input[name=email]", "ada@example.com")
        await page.fill("input[name=password]", "a long enough one")
        await page.get_by_role("button", name="Sign in").click()
        await page.get_by_role("button", name="New workflow").first.wait_for()

        await page.goto(f"{house.web_url}/credentials?type=oauth2")
        dialog = page.get_by_role("dialog")
        await expect(dialog.get_by_test_id("redirect-url")).to_have_text(service.redirect_url)
        await expect(dialog.get_by_role("button", name="Connect", exact=True)).to_have_count(0)
        await page.screenshot(path=shots / "oauth2-1-new.png")
        await pick(page, "Who signs in", "The client itself, without a person")
        await expect(dialog.get_by_label("Authorization URL")).to_have_count(0)
        await expect(dialog.get_by_test_id("redirect-url")).to_have_count(0)
        await pick(page, "Who signs in", "A person, with Connect")
        await dialog.get_by_label("Name").fill("Example")
        for name, value in service.credential()["data"].items():
            await dialog.locator(f"[name='data.{name}']").fill(value)
        await dialog.get_by_role("button", name="Create").click()

        panel = dialog.locator(".t-connection")
        await expect(panel).to_have_attribute("data-standing", "not")
        await page.screenshot(path=shots / "oauth2-2-not-connected.png")
        connect = panel.get_by_role("button", name="Connect", exact=True)
        async with page.expect_popup() as opened:
            await connect.click()
        popup = await opened.value
        await popup.get_by_role("button", name="Deny").click()
        await expect(popup.get_by_text("it was not allowed")).to_be_visible()
        await expect(panel.get_by_text("it was not allowed")).to_be_visible()
        await popup.screenshot(path=shots / "oauth2-3-denied-window.png")
        await page.screenshot(path=shots / "oauth2-4-denied.png")
        await popup.close()

        async with page.expect_popup() as opened:
            await connect.click()
        popup = await opened.value
        async with popup.expect_event("close"):
            await popup.get_by_role("button", name="Allow").click(no_wait_after=True)  # the window may be gone at once
        await expect(panel.get_by_text(f"Connected as {ACCOUNT}")).to_be_visible()
        await expect(panel).to_have_attribute("data-standing", "connected")
        await expect(panel.get_by_text("was not allowed")).to_have_count(0)
        for scheme in ("light", "dark"):
            await page.emulate_media(color_scheme=scheme)
            await page.screenshot(path=shots / f"oauth2-5-connected-{scheme}.png")
        await page.set_viewport_size({"width": 390, "height": 844})
        await page.screenshot(path=shots / "oauth2-6-connected-phone.png")
        await panel.scroll_into_view_if_needed()

        # The provider takes back what it gave: the form says so, and one press mends it, though the browser opens no window.
        (made,) = (await api.call("GET", "/credentials"))["items"]
        service.forget()
        assert (await api.call("POST", f"/credentials/{made['id']}/test"))["ok"] is False
        await page.goto(f"{house.web_url}/credentials")
        await page.get_by_role("button", name="Example", exact=True).click()
        await expect(panel).to_have_attribute("data-standing", "again")
        await page.screenshot(path=shots / "oauth2-7-again-phone.png")
        await page.evaluate("window.open = () => null")
        await panel.get_by_role("button", name="Connect again").click()
        link = panel.get_by_role("link", name="Open the provider’s page")
        await expect(link).to_be_visible()
        await page.screenshot(path=shots / "oauth2-8-blocked-phone.png")
        async with page.context.expect_page() as opened_tab:
            await link.click()
        tab = await opened_tab.value
        await tab.get_by_role("button", name="Allow").click()
        await expect(panel).to_have_attribute("data-standing", "connected")

        await page.set_viewport_size({"width": 1440, "height": 1000})
        await panel.get_by_role("button", name="Disconnect").click()
        await expect(panel).to_have_attribute("data-standing", "not")
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("table").get_by_text("Not connected")).to_be_visible()
        await page.screenshot(path=shots / "oauth2-9-table.png")
        assert CANARY not in await page.content()
        assert wrong == []
