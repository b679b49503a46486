"""Two-factor sign-in as a person meets it: set up, signed in with a code and with a recovery code, reset for another, switched off."""

import time

import pyotp
import pytest
from playwright.async_api import Page, expect

from tests.acceptance import browser
from tests.acceptance.api import Api, Refused
from tests.acceptance.stack import Stack
from tests.acceptance.test_screens import PHONE, WIDE, look

FIRST, SECOND = "a long enough one", "quite another one"


async def both(page: Page, name: str) -> None:
    """Look at what is shown, wide and on a phone."""
    for width, height in (PHONE, WIDE):
        await page.set_viewport_size({"width": width, "height": height})
        await look(page, name)


async def sign_out(page: Page, web_url: str) -> None:
    """From the settings."""
    await page.goto(f"{web_url}/settings")
    await page.get_by_role("button", name="Sign out here").click()
    await page.get_by_text("You are signed out.").wait_for()


async def give_password(page: Page, password: str) -> None:
    """The first step of signing in."""
    await page.get_by_label("Email").fill("ada@example.com")
    await page.get_by_label("Password").fill(password)
    await page.keyboard.press("Enter")


async def reset_another(page: Page, house: Stack, invitation: str) -> None:
    """Bob lost his phone; Ada, who owns the place, lets him in with his password alone."""
    async with Api(house.backend_url) as bob:
        body = {"email": "bob@example.com", "password": FIRST, "name": "Bob", "invitation_token": invitation}
        await bob.call("POST", "/users/register", json=body)
        await bob.log_in("bob@example.com")
        offer = await bob.call("POST", "/users/me/totp", json={"current_password": FIRST})
        await bob.call("POST", "/users/me/totp/verify", json={"code": pyotp.TOTP(offer["secret"]).now()})
        with pytest.raises(Refused, match="second-factor-required"):
            await bob.log_in("bob@example.com")
        await page.goto(f"{house.web_url}/members")
        await expect(page.get_by_text("two-factor").locator("visible=true")).to_have_count(2)
        await page.get_by_label("More for bob@example.com").click()
        await page.get_by_role("menuitem", name="Reset two-factor sign-in").click()
        await page.get_by_role("alertdialog").get_by_role("button", name="Reset").click()
        await expect(page.get_by_text("two-factor").locator("visible=true")).to_have_count(1)
        await bob.log_in("bob@example.com")


async def test_from_setting_it_up_to_switching_it_off(house: Stack) -> None:
    url = house.web_url
    async with Api(house.backend_url) as ada, browser.page() as page:
        await ada.sign_up(name="Ada Lovelace")
        # Now: with the second factor her other sessions end, this one too.
        invitation = await ada.call("POST", "/users/invitations", json={"email": "bob@example.com"})
        wrong: list[str] = []
        page.on("pageerror", lambda error: wrong.append(str(error)))
        async with browser.slow_line(page):
            await page.goto(f"{url}/sign-in?next=/settings", wait_until="commit")
            await give_password(page, FIRST)  # goes nowhere yet, least of all into the address
            await expect(page).to_have_url(f"{url}/sign-in?next=/settings")

        await page.get_by_role("button", name="Set up").click()
        dialog = page.get_by_role("dialog")
        await expect(dialog.get_by_label("Your password")).to_be_focused()
        await dialog.get_by_label("Your password").fill("not her password")
        # A part of a page that is not awake yet takes no submission: it is sent again.
        await page.evaluate(
            "document.addEventListener('submit', (event) => event.stopImmediatePropagation(), { capture: true, once: true })"
        )
        await page.keyboard.press("Enter")
        await expect(dialog.get_by_role("alert")).to_contain_text("not the current password")
        await dialog.get_by_label("Your password").fill(FIRST)
        await page.keyboard.press("Enter")
        await expect(dialog.get_by_role("img", name="QR code")).to_be_visible()
        await both(page, "two-factor-scan")
        app = pyotp.TOTP((await dialog.get_by_test_id("totp-key").inner_text()).replace(" ", ""))
        await dialog.get_by_label("Code from the app").fill("000000")
        await page.keyboard.press("Enter")
        await expect(dialog.get_by_role("alert")).to_contain_text("This code is not right")
        used = app.now()
        await dialog.get_by_label("Code from the app").fill(f"{used[:3]} {used[3:]}")
        await page.keyboard.press("Enter")

        await expect(dialog.get_by_test_id("recovery-codes").get_by_role("listitem")).to_have_count(10)
        await both(page, "two-factor-codes")
        recovery = await dialog.get_by_test_id("recovery-codes").get_by_role("listitem").all_inner_texts()
        async with page.expect_download() as download:
            await dialog.get_by_role("button", name="Download").click()
        assert (await (await download.value).path()).read_text().split() == recovery
        await page.keyboard.press("Escape")
        await expect(dialog.get_by_role("button", name="Done")).to_be_disabled()
        await dialog.get_by_label("I have kept them").click()
        await dialog.get_by_role("button", name="Done").click()
        await expect(page.get_by_text("10 recovery codes are left")).to_be_visible()
        await expect(dialog).to_have_count(0)

        await page.get_by_label("Current password").fill(FIRST)
        await page.get_by_label("New password").fill(SECOND)
        await page.get_by_role("button", name="Change password").click()
        await expect(page.get_by_text("Your password is changed")).to_be_visible()
        await page.goto(f"{url}/settings")
        await expect(page.get_by_text("10 recovery codes are left")).to_be_visible()

        await sign_out(page, url)
        await give_password(page, SECOND)
        code = page.get_by_label("Code", exact=True)
        await expect(code).to_be_focused()
        assert await code.get_attribute("autocomplete") == "one-time-code"
        assert await code.get_attribute("inputmode") == "numeric"
        await expect(page.get_by_label("Password")).to_be_hidden()
        await both(page, "sign-in-code")
        await code.fill(used)
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("alert")).to_contain_text("was used before")
        await expect(code).to_be_focused()
        await expect(code).to_have_value("")
        await code.fill(app.at(int(time.time()), counter_offset=1))
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/workflows")

        await sign_out(page, url)
        await give_password(page, SECOND)
        await page.get_by_role("button", name="Use a recovery code").click()
        await expect(page.get_by_label("Recovery code")).to_be_focused()
        await page.get_by_label("Recovery code").fill(recovery[0])
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/workflows")

        await reset_another(page, house, invitation["token"])

        await page.goto(f"{url}/settings")
        await expect(page.get_by_text("9 recovery codes are left")).to_be_visible()
        await page.get_by_role("button", name="Switch off").click()
        await dialog.get_by_label("Your password").fill(SECOND)
        await dialog.get_by_label("Code").fill(recovery[0])
        await page.keyboard.press("Enter")
        await expect(dialog.get_by_role("alert")).to_contain_text("This code is not right")
        await dialog.get_by_label("Code").fill(recovery[1])
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("button", name="Set up")).to_be_visible()
        await sign_out(page, url)
        await give_password(page, SECOND)
        await page.wait_for_url("**/workflows")
        assert wrong == []
