"""What happens at Stripe itself is noticed: from the webhook to what the query API shows."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import psycopg
import pytest
from aiokafka import AIOKafkaConsumer
from prometheus_client.parser import text_string_to_metric_families

from schemas.topics import PAYMENT, STRIPE_EVENT, partition_of
from tests.support.signed_webhooks import a_stripe_event, deliver, secret_of
from tests.support.system import Json, System
from tests.support.waiting import eventually

pytestmark = [pytest.mark.acceptance, pytest.mark.broker]


async def at_stripe(system: System, payment_id: str) -> Json:
    """Return the payment's intent as Stripe has it now."""
    filters = {"metadata[paystream_payment_id]": payment_id}
    answer = await system.sandbox.get("/_sandbox/payment_intents", params=filters)
    (intent,) = answer.json()
    return dict(intent)


async def events_of(system: System, payment_id: str) -> list[str]:
    timeline = (await system.query.get(f"/payments/{payment_id}/events")).json()
    return [event["type"] for event in timeline["data"]]


async def authenticated(system: System) -> str:
    """Return the id of a payment whose customer has just authenticated at Stripe."""
    created = await system.create(payment_method="pm_card_authenticationRequired", wait=10)
    assert created.json()["status"] == "requires_action"
    payment_id = str(created.json()["id"])
    intent = await at_stripe(system, payment_id)
    await panel(system, f"payment_intents/{intent['id']}/authenticate", outcome="succeed")
    return payment_id


async def panel(system: System, path: str, **body: Any) -> Any:
    """Do what others do at Stripe."""
    answer = await system.sandbox.post(f"/_sandbox/{path}", json=body)
    assert answer.is_success, answer.text
    return answer.json()


async def counted(system: System, process: str, metric: str, **labels: str) -> float:
    """Return the sum of a process's counter over all labels but these."""
    async with httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{system.stack.component(process).port}", verify=False
    ) as client:
        families = text_string_to_metric_families((await client.get("/metrics")).text)
        samples = (sample for family in families for sample in family.samples if sample.name == metric)
        return sum(sample.value for sample in samples if labels.items() <= sample.labels.items())


async def received(system: System, result: str) -> float:
    return await counted(system, "command-api", "stripe_webhooks_total", result=result)


async def interpreted(system: System, outcome: str) -> float:
    return await counted(system, "worker-stripe-webhooks", "stripe_events_interpreted_total", outcome=outcome)


async def becomes(system: System, payment_id: str, until: Callable[[Json], bool]) -> Json:
    return await system.becomes(payment_id, until)


async def test_a_customer_who_authenticated_at_stripe_has_paid(system: System) -> None:
    payment_id = await authenticated(system)
    payment = await system.finished_as(payment_id, "succeeded")
    assert payment["amount_captured_cents"] == 1000
    assert payment["next_action"] is None
    assert (await events_of(system, payment_id)).count("payment.succeeded") == 1
    assert len(await system.charges(payment_id)) == 1


async def test_a_refund_that_was_made_at_stripe_itself_shows_on_the_payment(system: System) -> None:
    payment = (await system.create(wait=10)).json()
    key = system.stack.environment("worker-stripe-gateway")["STRIPE_SECRET_KEY"]
    form = {"payment_intent": payment["stripe_payment_intent_id"], "amount": "300"}
    refund = await system.sandbox.post("/v1/refunds", data=form, headers={"Authorization": f"Bearer {key}"})
    refunded = await becomes(system, payment["id"], lambda found: found["amount_refunded_cents"] == 300)
    assert [each["stripe_refund_id"] for each in refunded["refunds"]] == [refund.json()["id"]]
    left = await system.refund(payment["id"], 701)
    assert left.status_code == httpx.codes.UNPROCESSABLE_ENTITY
    assert left.json()["amount_refundable_cents"] == 700


async def test_a_dispute_shows_on_the_payment_and_blocks_refunds_until_it_is_won(system: System) -> None:
    payment_id = (await system.create(wait=10)).json()["id"]
    (charge,) = await system.charges(payment_id)
    dispute = await panel(system, f"charges/{charge['id']}/dispute", course="fraudulent")
    disputed = await becomes(system, payment_id, lambda found: found["dispute"] is not None)
    assert (disputed["dispute"]["id"], disputed["dispute"]["status"]) == (dispute["id"], "needs_response")
    blocked = await system.refund(payment_id, 100)
    assert (blocked.status_code, blocked.json()["code"]) == (httpx.codes.CONFLICT, "payment_disputed")
    await panel(system, f"disputes/{dispute['id']}/decide", status="won")
    await becomes(system, payment_id, lambda found: found["dispute"]["status"] == "won")
    assert (await system.refund(payment_id, 100, wait=10)).json()["status"] == "succeeded"


FALSE = ("forge", "tamper", "unsign", "age", "other_account", "other_mode", "unknown_object")
TROUBLE = ("duplicate", "reorder", "delay")


async def test_forged_old_foreign_doubled_and_late_webhooks_change_nothing(system: System) -> None:
    """Beside each true event comes one of every false kind, and the true ones come twice, late and in any order."""
    refused = {"invalid_signature": 4, "livemode_mismatch": 1}
    before = {result: await received(system, result) for result in (*refused, "duplicate")}
    foreign = {outcome: await interpreted(system, outcome) for outcome in ("other_account", "unknown_payment")}
    for effect in (*FALSE, *TROUBLE):
        await panel(system, "faults", effect=effect, type="*", ms=300 if effect in TROUBLE else 0, seed=4)
    try:
        payment_ids = [await authenticated(system) for _ in range(3)]
        for payment_id in payment_ids:
            await system.finished_as(payment_id, "succeeded")
        refunds = [await system.refund(payment_id, 400, wait=10) for payment_id in payment_ids]
        assert {refund.json()["status"] for refund in refunds} == {"succeeded"}
        assert await quiet(system)
    finally:
        await system.sandbox.delete("/_sandbox/faults")
    for payment_id in payment_ids:
        types = await events_of(system, payment_id)
        assert types.count("payment.succeeded") == types.count("payment.refund_succeeded") == 1
        assert "payment.refund_found" not in types
        payment = await system.payment(payment_id)
        assert (payment["amount_captured_cents"], payment["amount_refunded_cents"]) == (1000, 400)
        assert len(await system.charges(payment_id)) == len(await system.refunds(payment_id)) == 1
    for result, least in refused.items():
        assert await received(system, result) >= before[result] + least * len(payment_ids), result
    assert await received(system, "duplicate") > before["duplicate"]
    for outcome, count in foreign.items():
        assert await interpreted(system, outcome) >= count + len(payment_ids), outcome
    assert await system.differences() == []


async def quiet(system: System) -> bool:
    """Wait until every webhook is sent, interpreted, and what it asks for is done."""

    async def open_deliveries() -> list[Json]:
        return list((await system.sandbox.get("/_sandbox/deliveries", params={"state": "pending"})).json())

    await eventually(open_deliveries, lambda found: not found, within=20)
    async with await psycopg.AsyncConnection.connect(system.stack.database_url(), autocommit=True) as connection:

        async def left() -> object:
            tasks = "SELECT count(*) FROM consumers.gateway_tasks WHERE status IN ('due', 'leased')"
            (due,) = await (await connection.execute(tasks)).fetchone() or (0,)
            return await _not_interpreted(system, connection), due

        await eventually(left, lambda found: found == (0, 0), within=20)
    return True


async def _not_interpreted(system: System, connection: psycopg.AsyncConnection) -> int:
    """Return how many events are above the checkpoint of their partition: a counter begins again with its process."""
    partitions = int(system.stack.environment("worker-stripe-webhooks")["KAFKA_TOPIC_PARTITIONS"])
    checkpoint = "SELECT partition, position FROM consumers.consumer_checkpoints WHERE consumer = 'stripe-webhooks'"
    done: dict[int, int] = dict(await (await connection.execute(checkpoint)).fetchall())
    recorded = "SELECT stream_id, position FROM event_store.events WHERE category = 'stripe-event'"
    events = await (await connection.execute(recorded)).fetchall()
    return sum(position > done.get(partition_of(stream_id, partitions), 0) for stream_id, position in events)


async def test_no_client_secret_is_in_the_log_in_a_topic_or_in_the_logs(system: System) -> None:
    payment_id = await authenticated(system)
    intent = await at_stripe(system, payment_id)
    secret = intent["client_secret"]
    assert secret.startswith(f"{intent['id']}_secret_")
    address = {"type": "redirect_to_url", "redirect_to_url": {"url": f"https://bank/?client_secret={secret}"}}
    event = a_stripe_event("payment_intent.requires_action", intent | {"next_action": address})
    assert (await deliver(system.command, event, secret_of(system))).status_code == httpx.codes.OK
    await system.finished_as(payment_id, "succeeded")
    await quiet(system)
    async with await psycopg.AsyncConnection.connect(system.stack.database_url()) as connection:
        for table in ("event_store.events", "consumers.gateway_tasks", "read_model.payments", "consumers.dead_letters"):
            rows = await (await connection.execute(f"SELECT t::text FROM {table} t")).fetchall()
            assert "_secret_" not in str(rows), table
    assert "_secret_" not in str(await everything_in(system, STRIPE_EVENT, PAYMENT))
    for log in system.stack.home.logs.iterdir():
        assert secret not in await asyncio.to_thread(log.read_text), log.name


async def everything_in(system: System, *topics: str) -> list[bytes]:
    consumer = AIOKafkaConsumer(
        *topics, bootstrap_servers=system.stack.kafka_bootstrap_servers, auto_offset_reset="earliest"
    )
    found: list[bytes] = []
    async with asyncio.timeout(30):
        await consumer.start()
        try:
            while batch := await consumer.getmany(timeout_ms=2000):
                found += [record.value for records in batch.values() for record in records]
        finally:
            await consumer.stop()
    assert found
    return found
