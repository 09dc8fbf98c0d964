"""axe-core, which looks for what people cannot use without seeing, hearing or a mouse. For tests alone (MPL-2.0).

`assets/` is as its npm package has it; `manifest.json` says which version. `python -m tests.support.axe FOLDER` takes
another one: `npm pack axe-core@VERSION` fetches it.
"""

from collections.abc import Sequence
from importlib.resources import files
from typing import Any

from playwright.async_api import Page

from infra.http.vendored import ASSETS

FOLDER = files(__package__)
FILES = {"LICENSE": "LICENSE", "axe.min.js": "axe.min.js"}
_SERIOUS = ("serious", "critical")


COLOURS = ("color-contrast", "link-in-text-block")
"""The rules that look at colours: all that another colour scheme can break, as it changes nothing else."""


async def serious_issues(page: Page, *, rules: Sequence[str] = ()) -> list[str]:
    """Return what axe finds in a page that is serious: the rule, and where; `rules`: only these."""
    if not await page.evaluate("'axe' in window"):
        # As the debugger does it: the page's policy lets no page load it.
        await page.evaluate(FOLDER.joinpath(ASSETS, "axe.min.js").read_text("utf-8"))
    found: list[dict[str, Any]] = await page.evaluate(
        "async (only) => (await axe.run(document, {resultTypes: ['violations'], ...only})).violations",
        {"runOnly": list(rules)} if rules else {},
    )
    return [
        f"{each['id']}: {each['help']}: {node['html'][:120]}"
        for each in found
        if each["impact"] in _SERIOUS
        for node in each["nodes"]
    ]
