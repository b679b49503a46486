"""What axe-core finds on a page: things that shut somebody out."""

from importlib import resources
from typing import Any

from playwright.async_api import Page

_AXE = resources.files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
_GRAVE = ("serious", "critical")
_RUN = """async (rules) => {
  const found = await axe.run({ resultTypes: ["violations"], ...(rules && { runOnly: rules }) });
  return found.violations.map(({ id, impact, nodes }) => ({
    id, impact, nodes: nodes.map(({ html, any, all }) => ({ html, why: [...any, ...all].map((check) => check.message).join(" ") })) }));
}"""


async def barriers(page: Page, rules: list[str] | None = None) -> list[str]:
    """Serious and critical ones, by all rules or by these: the rule, the element, and what is wrong with it."""
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(_AXE)
    found: list[dict[str, Any]] = await page.evaluate(_RUN, rules)
    grave = [violation for violation in found if violation["impact"] in _GRAVE]
    return [f"{violation['id']}: {node['html'][:200]} {node['why'][:300]}" for violation in grave for node in violation["nodes"]]
