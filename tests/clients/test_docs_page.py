"""The interactive documentation in a real browser: nothing is refused, nothing comes from elsewhere, and it pays."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from infra.embedded.connections import DEVELOPMENT_KEY
from tests.clients import toolbox
from tests.clients.generated import PROGRAMS, document
from tests.support.system import System

pytestmark = [pytest.mark.clients, pytest.mark.timeout(600), pytest.mark.needs_tools_of("/docs in a browser")]


async def test_the_page_pays_twice_and_loads_nothing_from_elsewhere(system: System, tmp_path: Path) -> None:
    seen = await opened(system.stack.urls.command_api, tmp_path, DEVELOPMENT_KEY)

    assert len(seen["operations"]) == operations("command")
    assert [status for status, _ in seen["statuses"]] == [201, 201]
    assert len({payment_id for _, payment_id in seen["statuses"]}) == 2, "no key is suggested that both would share"


async def test_the_page_of_the_query_api_shows_every_operation(system: System, tmp_path: Path) -> None:
    seen = await opened(system.stack.urls.query_api, tmp_path)
    assert len(seen["operations"]) == operations("query")


async def opened(url: str, folder: Path, *key: str) -> Any:
    folder.joinpath("node_modules").symlink_to(await toolbox.node_modules())
    folder.joinpath("package.json").write_text('{"type": "module"}\n', "utf-8")
    shutil.copy(PROGRAMS / "docs_page.js", folder)
    seen = json.loads(await toolbox.run("node", "docs_page.js", toolbox.find("chromium"), url, *key, cwd=folder))
    assert seen["refused"] == []
    assert all(each.startswith((f"{url}/", "data:")) for each in seen["requests"]), seen["requests"]
    return seen


def operations(api: str) -> int:
    paths = json.loads(document(api).read_text("utf-8"))["paths"]
    return sum(len(methods) for methods in paths.values())
