"""What is on the wire of a running system is what the published AsyncAPI document says, and nothing else is."""

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord

from domain.ids import (
    DisputeId,
    EventId,
    MerchantId,
    RefundId,
    RequestId,
    StripeChargeId,
    StripeIntentId,
    StripeRefundId,
)
from domain.money import Money
from domain.payment.commands import (
    AcceptStripe,
    CancelPayment,
    CapturePayment,
    GiveUpTask,
    PaymentCommand,
    RequestPayment,
    RetryTask,
)
from domain.payment.observations import (
    RecordAuthorized,
    RecordCanceled,
    RecordCancelFailed,
    RecordCaptureFailed,
    RecordDispute,
    RecordOutcomeUnknown,
    RecordProcessing,
    RecordRefundFound,
    RecordSucceeded,
    RecordUndone,
)
from domain.payment.values import CaptureMethod, DisputeStatus
from event_store.appends import Append
from event_store.privacy.erase import Order, erase
from event_store.store import append
from infra.embedded.connections import DEVELOPMENT_MERCHANT
from infra.ids import uuid7
from schemas.events import PAYMENT_CODEC, PAYMENT_EVENT_TYPES
from schemas.personal import Subject
from schemas.topics import PAYMENT, RELAY_PROGRESS, STRIPE_EVENT, dead_letter_topics, event_topics
from tests.support.exported_schemas import described_headers, message, validate
from tests.support.log_entries import metadata
from tests.support.payment_histories import events_of, request_payment
from tests.support.signed_webhooks import a_stripe_event, deliver, secret_of
from tests.support.system import System, running_system
from tests.support.waiting import eventually

pytestmark = [pytest.mark.acceptance, pytest.mark.broker]

TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

Records = list[ConsumerRecord]


async def read(system: System, topic: str, until: Callable[[Records], bool]) -> Records:
    """Read a topic from its beginning, as anybody can, until what was read is enough."""
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=system.stack.kafka_bootstrap_servers,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
    )
    found: Records = []
    async with asyncio.timeout(60):
        await consumer.start()
        try:
            while not until(found):
                for records in (await consumer.getmany(timeout_ms=500)).values():
                    found += records
        finally:
            await consumer.stop()
    return found


def text_headers(record: ConsumerRecord) -> dict[str, str]:
    """Return the headers, each of which stands there once."""
    assert len({name for name, _ in record.headers}) == len(record.headers)
    return {name: raw.decode() for name, raw in record.headers}


async def live_through_everything(system: System) -> None:
    """Make payments that between them have an event of every type."""
    system.command.headers["traceparent"] = TRACEPARENT
    paid = (await system.create(description="A book", metadata={"order": "7"}, wait=10)).json()
    await system.refund(paid["id"], 300, wait=10, reason="duplicate")
    await refund_behind_our_back(system, paid)
    await system.refund(paid["id"], 700, wait=10)
    await system.refund((await system.create(payment_method="pm_card_pendingRefund", wait=10)).json()["id"], wait=10)
    declined = (await system.create(payment_method="pm_card_chargeDeclined", wait=10)).json()
    await system.post(declined["id"], "confirm", wait=10, payment_method="pm_card_visa")
    watched = (await system.create(payment_method="pm_card_authenticationRequired", wait=10)).json()
    await system.post(watched["id"], "cancel", wait=10, reason="abandoned")
    held = (await system.create(capture_method="manual", wait=10)).json()
    await system.post(held["id"], "capture", wait=10, amount_cents=400)
    await system.create(payment_method="pm_no_such_thing", wait=10)
    await append_what_the_sandbox_never_does(system)


async def refund_behind_our_back(system: System, payment: dict[str, str]) -> None:
    """Refund the rest at Stripe itself: a refund of ours is refused then."""
    key = system.stack.environment("worker-stripe-gateway")["STRIPE_SECRET_KEY"]
    form = {"payment_intent": payment["stripe_payment_intent_id"]}
    answer = await system.sandbox.post("/v1/refunds", data=form, headers={"Authorization": f"Bearer {key}"})
    answer.raise_for_status()


async def append_what_the_sandbox_never_does(system: System) -> None:
    """Append a payment that Stripe works on for days, and refuses to capture and to cancel at first, and another."""
    request = request_payment(merchant_id=DEVELOPMENT_MERCHANT, capture_method=CaptureMethod.MANUAL)
    intent_id, capture, cancel = f"pi_{request.payment_id.hex}", uuid7(), uuid7()
    slow: list[PaymentCommand] = [
        request,
        RecordProcessing(intent_id=StripeIntentId(intent_id)),
        RecordAuthorized(
            intent_id=StripeIntentId(intent_id),
            amount=request.amount,
            charge_id=StripeChargeId(f"ch_{request.payment_id.hex}"),
        ),
        CapturePayment(request_id=RequestId(capture)),
        RecordCaptureFailed(request_id=RequestId(capture), code="processing_error", message="No."),
        CancelPayment(request_id=RequestId(cancel)),
        RecordCancelFailed(request_id=RequestId(cancel), code="processing_error", message="No."),
        RecordCanceled(intent_id=StripeIntentId(intent_id), reason="abandoned"),  # so that the gateway leaves it alone
    ]
    contested = request_payment(merchant_id=DEVELOPMENT_MERCHANT)
    about = metadata(merchant_id=MerchantId(DEVELOPMENT_MERCHANT))
    stories = [
        Append(
            stream_id=opened.payment_id,
            category="payment",
            merchant_id=MerchantId(DEVELOPMENT_MERCHANT),
            expected_version=0,
            events=tuple(
                PAYMENT_CODEC.encode(each, event_id=EventId(uuid7()), metadata=about) for each in events_of(story)
            ),
        )
        for opened, story in ((request, slow), (contested, contest(contested)))
    ]
    async with await psycopg.AsyncConnection.connect(system.stack.database_url("paystream_app_login")) as connection:
        await append(connection, stories)


def contest(request: RequestPayment) -> list[PaymentCommand]:
    """Return a payment that is refunded at Stripe itself and disputed, while an operator sees to a call."""
    intent_id, charge_id, task = f"pi_{request.payment_id.hex}", f"ch_{request.payment_id.hex}", uuid7()
    dispute = RecordDispute(
        dispute_id=DisputeId(f"du_{request.payment_id.hex}"),
        charge_id=StripeChargeId(charge_id),
        amount=request.amount,
        reason="fraudulent",
        status=DisputeStatus.NEEDS_RESPONSE,
        evidence_due_by=1_900_000_000,
    )
    found = Money(amount_cents=100, currency=request.amount.currency)
    return [
        request,
        RecordSucceeded(
            intent_id=StripeIntentId(intent_id), amount_captured=request.amount, charge_id=StripeChargeId(charge_id)
        ),
        RecordRefundFound(
            refund_id=RefundId(uuid7()), stripe_refund_id=StripeRefundId(f"re_{request.payment_id.hex}"), amount=found
        ),
        dispute,
        replace(dispute, status=DisputeStatus.UNDER_REVIEW, withdrawn=(dispute.amount,)),
        replace(dispute, status=DisputeStatus.WON, withdrawn=(dispute.amount,), reinstated=(dispute.amount,)),
        RecordOutcomeUnknown(event_id=EventId(task), operation="create_refund", reason="500 api_error"),
        RetryTask(event_id=EventId(task), operation="create_refund", actor="ops", reason="Stripe was down"),
        GiveUpTask(event_id=EventId(task), operation="create_refund", actor="ops", reason="paid by hand"),
        RecordRefundFound(
            refund_id=RefundId(uuid7()), stripe_refund_id=StripeRefundId(f"re_{task.hex}"), amount=request.amount
        ),  # too much
        AcceptStripe(actor="ops", reason="seen in the Dashboard"),
        RecordUndone(
            event_id=EventId(task), intent_id=StripeIntentId("pi_late"), how="refunded", amount=request.amount
        ),
    ]


async def erase_somebody(system: System) -> None:
    user_id = f"user_{uuid7().hex}"
    await system.create(user_id=user_id, description="A present for Ada", wait=10)
    order = Order(subject=Subject.user(DEVELOPMENT_MERCHANT, user_id), actor="ops", reason="case 1")
    login = system.stack.database_url("paystream_erasure_login")
    async with await psycopg.AsyncConnection.connect(login, autocommit=True) as connection:
        await erase(connection, order, metadata_keys=())


async def logged(system: System) -> Sequence[tuple[str, str]]:
    """Return the id and the type of every event in the log."""
    async with await psycopg.AsyncConnection.connect(system.stack.database_url()) as connection:
        found = await connection.execute("SELECT event_id::text, type FROM event_store.events")
        return await found.fetchall()


async def test_every_message_of_the_payment_topic_is_as_described(system: System) -> None:
    await live_through_everything(system)
    await erase_somebody(system)
    every_type = {each.name for each in PAYMENT_EVENT_TYPES}
    await eventually(lambda: missing_types(system, every_type), lambda missing: not missing, within=30)
    expected = {event_id for event_id, event_type in await logged(system) if event_type in every_type}
    records = await read(
        system, PAYMENT, lambda records: expected <= {text_headers(record)["ce_id"] for record in records}
    )
    seen, described = assert_as_described(records)
    assert seen == described
    assert_chained(records)


async def test_every_message_of_the_topic_of_stripes_events_is_as_described(system: System) -> None:
    events = [a_stripe_event("payout.paid", {"id": f"po_{number}"}, id=f"evt_{uuid7().hex}") for number in range(5)]
    for event in events:
        (await deliver(system.command, event, secret_of(system))).raise_for_status()
    expected = {event["id"] for event in events}
    records = await read(
        system,
        STRIPE_EVENT,
        lambda records: expected <= {json.loads(record.value)["stripe_event_id"] for record in records},
    )
    seen, described = assert_as_described(records)
    assert seen <= described
    assert_chained(records)


def assert_as_described(records: Records) -> tuple[set[str], set[str]]:
    """Compare each record with its published message; return the headers seen, and those described."""
    seen: set[str] = set()
    described: set[str] = set()
    for record in records:
        headers = text_headers(record)
        as_described = message(record.topic, f"{headers['ce_type']}.v{headers['ce_dataschemaversion']}")
        validate(as_described["headers"], headers)
        validate(as_described["payload"], json.loads(record.value))
        validate(as_described["bindings"]["kafka"]["key"], record.key.decode())
        assert headers["content-type"] == as_described["contentType"]
        assert headers["ce_subject"] == record.key.decode()
        seen |= headers.keys()
        described |= described_headers(as_described["headers"])
    return seen, described


async def missing_types(system: System, expected: set[str]) -> set[str]:
    return expected - {event_type for _, event_type in await logged(system)}


def assert_chained(records: Records) -> None:
    """Whoever reads as the document says reads every message, each naming the one before it in its partition."""
    checkpoints: dict[int, int] = {}
    for record in records:
        headers = text_headers(record)
        checkpoint = checkpoints.get(record.partition, 0)
        if int(headers["ce_position"]) > checkpoint:
            assert int(headers["ce_prevposition"]) == checkpoint
            checkpoints[record.partition] = int(headers["ce_position"])


async def test_the_relays_progress_is_as_described(system: System) -> None:
    await system.create(wait=10)
    described = message(RELAY_PROGRESS, "relay-progress")
    for record in await read(system, RELAY_PROGRESS, bool):
        validate(described["headers"], text_headers(record))
        validate(described["payload"], json.loads(record.value))
        validate(described["bindings"]["kafka"]["key"], record.key.decode())


@pytest.mark.own_system
async def test_dead_letters_are_as_described(tmp_path: Path) -> None:
    async with running_system(tmp_path) as system:
        producer = AIOKafkaProducer(bootstrap_servers=system.stack.kafka_bootstrap_servers)
        await producer.start()
        try:
            for topic in event_topics():
                await producer.send_and_wait(
                    topic, b"no event", b"a key", headers=[("x-odd", b"\xff"), ("ce_id", b"1")]
                )
        finally:
            await producer.stop()
        # The worker `webhooks-out` reads nothing while no merchant has an endpoint.
        for topic in (each for each in dead_letter_topics() if not each.endswith(".webhooks-out")):
            (record, *_) = await read(system, topic, bool)
            assert (record.key, record.value) == (b"a key", b"no event")
            assert ("x-odd", b"\xff") in record.headers
            described = message(topic, "dead-letter")
            headers = {name: raw.decode() for name, raw in record.headers if name.startswith("dlq_")}
            validate(described["headers"], headers)
            assert headers.keys() <= described_headers(described["headers"])
