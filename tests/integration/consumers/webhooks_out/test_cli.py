"""`paystream webhooks`, as an operator runs it."""

from datetime import UTC
from pathlib import Path
from uuid import uuid4

import pytest

from infra.webhooks_out import deliveries, endpoints
from tests.integration.consumers.webhooks_out.webhook_bench import BOX, MERCHANT, Bench
from tests.support.paystream_command import Ended, paystream

pytestmark = [pytest.mark.integration, pytest.mark.slow]

URL = "https://shop.example/webhooks"


async def test_an_operator_lists_and_resends_and_replays(bench: Bench, tmp_path: Path) -> None:
    async def run(*arguments: str) -> Ended:
        return await paystream(
            "webhooks", *arguments, cwd=tmp_path, settings={"database_url": bench.database.url("app")}
        )

    assert "No webhook endpoints." in (await run("endpoints")).output
    made = await bench.endpoint(URL, types=["payment.succeeded"])
    endpoint_id = str(made.endpoint.endpoint_id)
    listed = (await run("endpoints")).output
    for part in (endpoint_id, "merchant_1", "enabled", "payment.succeeded", URL):
        assert part in listed
    assert made.secret not in listed
    async with bench.pool.connection() as conn:
        rotated = await endpoints.rotate_secret(
            conn, BOX, made.endpoint.endpoint_id, merchant_id=MERCHANT, overlap_s=3600
        )
    assert rotated is not None
    (until,) = rotated.endpoint.previous_secrets_until
    assert f"1 until {until.astimezone(UTC):%Y-%m-%d %H:%M:%S}" in (await run("endpoints")).output
    assert "No deliveries." in (await run("deliveries")).output

    await bench.pay()
    await bench.take()
    async with bench.owner() as conn:
        await conn.execute(
            "UPDATE webhooks_out.deliveries SET status = 'failed', attempts = 10, finished_at = clock_timestamp()"
        )
        await conn.execute(
            "INSERT INTO webhooks_out.attempts (delivery_id, duration_ms, status, error)"
            " SELECT delivery_id, 5, 500, 'answered 500' FROM webhooks_out.deliveries"
        )
        (delivery,) = await deliveries.list_deliveries(conn)
    shown = await run("deliveries", "--status", "failed", "--endpoint", endpoint_id)
    for part in (str(delivery.delivery_id), "payment.succeeded", "failed", "answered 500"):
        assert part in shown.output
    assert (await run("deliveries", "--status", "lost")).code == 2

    resent = await run("resend", str(delivery.delivery_id))
    assert (resent.code, resent.output) == (0, "It is sent once more.\n")
    assert await bench.statuses() == ["due"]
    missing = await run("resend", str(uuid4()))
    assert missing.code == 1
    assert "There is no delivery" in missing.errors

    replay = await run("replay", endpoint_id, "--from", "2026-05-01", "--until", "2026-05-02T12:00:00")
    assert "2026-05-01 00:00:00 to 2026-05-02 12:00:00 UTC" in replay.output
    assert (await run("replay", endpoint_id, "--from", "2999-05-01")).code == 2
    assert (await run("replay", str(uuid4()), "--from", "2026-05-01")).code == 1
    assert await bench.rows("SELECT from_at::date::text FROM webhooks_out.replays") == [("2026-05-01",)]
