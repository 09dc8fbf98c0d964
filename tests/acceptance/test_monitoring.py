"""A real Prometheus asks the running system, and every dashboard has something to show."""

import math
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from infra.deploy.grafana.boards import BOARDS
from infra.deploy.grafana.panels import RATE, expressions
from infra.embedded.home import Home
from infra.embedded.ports import free_port
from infra.embedded.prometheus import PrometheusServer, find_program
from tests.support.system import System, new_key
from tests.support.waiting import eventually

pytestmark = [
    pytest.mark.acceptance,
    pytest.mark.skipif(
        find_program("prometheus") is None,
        reason="NOT CHECKED: dashboards and alerts on a real Prometheus, which is not on this machine",
    ),
]


class Prometheus:
    """Queries a Prometheus."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def values(self, expression: str) -> list[float]:
        """Return the values of now: an empty list when there is nothing."""
        data = await self._get("/api/v1/query", query=expression.replace(RATE, "30s"))
        return [float(each["value"][1]) for each in data["result"]]

    async def rules(self) -> list[dict[str, Any]]:
        """Return all rules with their health."""
        return [rule for group in (await self._get("/api/v1/rules"))["groups"] for rule in group["rules"]]

    async def _get(self, path: str, **params: str) -> Any:
        answer = await self._client.get(path, params=params)
        assert answer.status_code == httpx.codes.OK, answer.text
        return answer.json()["data"]


@pytest_asyncio.fixture
async def prometheus(system: System, tmp_path: Path) -> AsyncIterator[Prometheus]:
    targets = {name: system.stack.component(name).address for name in system.stack.process_names}
    with Home(tmp_path / "prometheus") as home:
        server = PrometheusServer(home, port=free_port(), targets=targets, every_s=1)
        try:
            await server.start()
            await server.wait_ready()
            async with httpx.AsyncClient(base_url=f"http://{server.address}", timeout=30) as client:
                yield Prometheus(client)
        finally:
            await server.stop()


async def live_a_little(system: System) -> None:
    """Let happen what makes each metric count: a payment and its repetition, a decline, a refund, errors of clients."""
    key = new_key()
    created = await system.create(key, wait=10)
    await system.create(key)
    await system.refund(created.json()["id"], 1)
    await system.create(payment_method="pm_card_chargeDeclined", wait=10)
    await system.create(amount_cents=1)
    await system.query.get(f"/payments/{'0' * 8}-0000-4000-8000-{'0' * 12}")
    for path in ("command", "query"):
        await getattr(system, path).get("/nowhere")


@pytest.mark.timeout(240)
async def test_every_panel_shows_something_and_no_rule_fails(system: System, prometheus: Prometheus) -> None:
    missing = {expression: board.title for board in BOARDS for expression in expressions(board)}
    assert len(missing) > 80

    async def look() -> dict[str, str]:
        await live_a_little(system)
        for expression in list(missing):
            values = await prometheus.values(expression)
            if any(not math.isnan(value) for value in values):
                del missing[expression]
        return missing

    await eventually(look, lambda left: not left, within=150, every=1)

    async def unhealthy() -> list[str]:
        return [f"{rule['name']}: {rule['health']}" for rule in await prometheus.rules() if rule["health"] != "ok"]

    await eventually(unhealthy, lambda found: found == [])


async def test_every_process_answers_prometheus(system: System, prometheus: Prometheus) -> None:
    async def up() -> list[float]:
        return await prometheus.values("up")

    assert await eventually(up, lambda found: found == [1.0] * len(system.stack.process_names))
