"""Which deliveries a batch of events becomes."""

import pytest

from tests.integration.consumers.webhooks_out.webhook_bench import LIFE, Bench

pytestmark = pytest.mark.integration

OTHER_URL = "https://other.example/webhooks"


async def test_an_event_is_delivered_once_to_each_endpoint(bench: Bench) -> None:
    await bench.endpoint("https://one.example/webhooks")
    await bench.endpoint(OTHER_URL)
    await bench.pay()
    for _ in range(3):
        await bench.take()
    found = await bench.rows("SELECT endpoint_id, event_id FROM webhooks_out.deliveries")
    assert len(found) == len(set(found)) == 2 * len(LIFE)


async def test_only_the_first_of_a_payment_is_due(bench: Bench) -> None:
    await bench.endpoint("https://one.example/webhooks")
    await bench.pay()
    events = await bench.log()
    for event in events:
        await bench.take([event])
    assert await bench.statuses() == ["due", "waiting", "waiting", "waiting"]


async def test_what_waits_for_what_has_ended_is_due(bench: Bench) -> None:
    """The checkpoint was lost, and what is behind it is read again."""
    await bench.endpoint("https://one.example/webhooks")
    await bench.pay()
    events = await bench.log()
    await bench.take(events[:1])
    async with bench.pool.connection() as conn:
        await conn.execute("UPDATE webhooks_out.deliveries SET status = 'delivered'")
    await bench.take(events)
    assert await bench.statuses() == ["delivered", "due", "waiting", "waiting"]


async def test_an_endpoint_gets_the_types_that_it_chose(bench: Bench) -> None:
    await bench.endpoint("https://one.example/webhooks", types=["payment.succeeded"])
    await bench.pay()
    await bench.take()
    assert await bench.rows("SELECT event_type FROM webhooks_out.deliveries") == [("payment.succeeded",)]


async def test_what_was_recorded_before_is_not_delivered(bench: Bench) -> None:
    await bench.pay()
    made = await bench.endpoint("https://one.example/webhooks")
    await bench.take()
    assert await bench.statuses() == []

    await bench.change(made, enabled=False)
    await bench.pay()
    await bench.take()
    await bench.change(made, enabled=True)
    await bench.take()
    assert await bench.statuses() == []
    await bench.pay()
    await bench.take()
    assert len(await bench.statuses()) == len(LIFE)


async def test_another_merchants_events_are_not_delivered(bench: Bench) -> None:
    await bench.endpoint("https://one.example/webhooks", merchant_id="merchant_2")
    await bench.pay()
    await bench.take()
    assert await bench.statuses() == []
