"""The load test of the reference: 100 users of Locust for 30 seconds, and its criteria.

Locust lives in an environment of its own (`make test-load` makes it): it brings a web framework and an event loop that
have no place beside the project's. Its report is kept in build/locust-report.html.
"""

import asyncio
import csv
import os
import sys
from pathlib import Path

import pytest

from tests.load.completion import all_completed, assert_each_charged_once
from tests.support.system import running_system

pytestmark = [pytest.mark.load, pytest.mark.timeout(600)]

ROOT = Path(__file__).parents[2]
LOCUST = ROOT / ".venv-load" / "bin" / "locust"
REPORT = ROOT / "build" / "locust-report.html"
USERS, SECONDS = 100, 30


async def test_the_criteria_of_the_reference_hold(tmp_path: Path) -> None:
    assert LOCUST.exists(), "make test-load installs it"
    REPORT.parent.mkdir(exist_ok=True)
    async with running_system(tmp_path / "home", supervise=True) as system:
        locust = await asyncio.create_subprocess_exec(
            *(str(LOCUST), "-f", str(ROOT / "tests/load/locustfile.py"), "--headless", "--only-summary"),
            *("--users", str(USERS), "--spawn-rate", str(USERS), "--run-time", f"{SECONDS}s", "--stop-timeout", "10"),
            *("--host", system.stack.urls.command_api, "--csv", str(tmp_path / "load"), "--html", str(REPORT)),
            env={**os.environ, "PAYSTREAM_QUERY_URL": system.stack.urls.query_api},
            stdout=sys.stderr,
        )
        await locust.wait()
        (paid,) = (row for row in _stats(tmp_path / "load_stats.csv") if row["Name"] == "/payments")
        sent, failed = int(paid["Request Count"]), int(paid["Failure Count"])
        completed = await all_completed(system)
        await assert_each_charged_once(system, completed)
    # Locust does not count what is on its way when the time is up: at most one request of each user.
    assert sent - failed <= completed <= sent + USERS
    assert sent / SECONDS > 100, "payments a second"
    assert int(paid["95%"]) < 500, "milliseconds"
    assert failed / sent < 0.01


def _stats(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))
