"""Money of split payments that is neither all nor nothing is found."""

import uuid
from collections.abc import Sequence
from datetime import timedelta

import psycopg
import pytest

from domain.ids import EventId, PaymentId, SplitPaymentId, UserId
from domain.money import Money
from domain.payment.commands import PaymentCommand
from domain.split_payment.events import (
    CaptureStarted,
    CompensationStarted,
    RequestedLeg,
    SplitPaymentCompensated,
    SplitPaymentCompleted,
    SplitPaymentEvent,
    SplitPaymentRequested,
)
from domain.split_payment.values import CompensationReason
from event_store.appends import Append
from event_store.store import Connection as AppConnection
from event_store.store import append
from infra.ids import uuid7
from projections.audit.invariants import Checked, violations
from schemas.events import SPLIT_PAYMENT_CODEC
from tests.support.database import Database
from tests.support.log_entries import MERCHANT, metadata
from tests.support.payment_histories import events_of, paid, refunded, request_payment
from tests.support.read_model import store

pytestmark = pytest.mark.integration

AMOUNT = Money(amount_cents=1000, currency="USD")
COMPLETED: Sequence[SplitPaymentEvent] = (CaptureStarted(), SplitPaymentCompleted())
COMPENSATED: Sequence[SplitPaymentEvent] = (
    CompensationStarted(reason=CompensationReason.EXPIRED, payment_id=None, code=None, message=None, stuck_at=2),
    SplitPaymentCompensated(),
)


async def a_leg(app: AppConnection, came_to: str) -> PaymentId:
    """Store a payment that was requested, paid, or refunded as a whole or in part; or name one that is not there."""
    request = request_payment()
    commands: dict[str, list[PaymentCommand]] = {
        "missing": [],
        "pending": [request],
        "paid": paid(request),
        "refunded": [*paid(request), *refunded(uuid7(), AMOUNT)],  # type: ignore[arg-type]
        "partly refunded": [*paid(request), *refunded(uuid7(), Money(amount_cents=999, currency="USD"))],  # type: ignore[arg-type]
    }
    if commands[came_to]:
        await store(app, [(request.payment_id, events_of(commands[came_to]))])
    return request.payment_id


async def a_split(app: AppConnection, legs: Sequence[str], end: Sequence[SplitPaymentEvent]) -> SplitPaymentId:
    split_payment_id = SplitPaymentId(uuid7())
    payment_ids = [await a_leg(app, came_to) for came_to in legs]
    requested = SplitPaymentRequested(
        split_payment_id=split_payment_id,
        merchant_id=MERCHANT,
        user_id=UserId("host"),
        amount=AMOUNT + AMOUNT,
        legs=tuple(
            RequestedLeg(
                payment_id=payment_id,
                user_id=UserId("guest"),
                amount=AMOUNT,
                payment_method="pm_card_visa",
                metadata={},
            )
            for payment_id in payment_ids
        ),
        metadata={},
        idempotency_key="key",
        expires_at=1,
    )
    events = [
        SPLIT_PAYMENT_CODEC.encode(each, event_id=EventId(uuid.uuid4()), metadata=metadata())
        for each in (requested, *end)
    ]
    await append(
        app,
        [
            Append(
                stream_id=split_payment_id,
                category="split-payment",
                merchant_id=MERCHANT,
                expected_version=0,
                events=tuple(events),
            )
        ],
    )
    await app.commit()
    return split_payment_id


@pytest.mark.parametrize(
    ("legs", "end", "details"),
    [
        (["paid", "paid"], COMPLETED, []),
        (["paid", "refunded"], COMPLETED, []),
        (["paid", "partly refunded"], COMPLETED, []),
        (["refunded", "missing"], COMPENSATED, []),
        (["paid", "pending"], (), []),
        (["paid", "pending"], COMPLETED, ["is completed"]),
        (["missing", "paid"], COMPLETED, ["is completed"]),
        (["paid", "refunded"], COMPENSATED, ["is compensated"]),
        (["partly refunded", "paid"], COMPENSATED, ["is compensated", "is compensated"]),
    ],
)
async def test_it_is_all_or_nothing(
    database: Database,
    app: AppConnection,
    legs: Sequence[str],
    end: Sequence[SplitPaymentEvent],
    details: Sequence[str],
) -> None:
    split_payment_id = await a_split(app, legs, end)
    async with await psycopg.AsyncConnection.connect(database.url("audit"), autocommit=True) as auditor:
        found = [
            each
            async for each in violations(auditor, partitions=1, checked=Checked(), grace=timedelta(0))
            if each.invariant == "split_all_or_nothing"
        ]
        later = [each async for each in violations(auditor, partitions=1, checked=Checked())]
    assert [each.stream_id for each in found] == [split_payment_id] * len(details)
    assert all(expected in each.detail for each, expected in zip(found, details, strict=True))
    assert later == [], "it may be on its way"
