"""The rows of `payments` against the domain's own fold, however the events come in."""

import random
import uuid
from copy import deepcopy
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.ids import AttemptId, PaymentId, RefundId, RequestId, StripeChargeId, StripeIntentId
from domain.money import Money
from domain.payment.commands import CancelPayment, CapturePayment, ConfirmPayment, PaymentCommand
from domain.payment.events import PaymentEvent
from domain.payment.evolve import fold as fold_domain
from domain.payment.observations import RecordAttemptFailed, RecordAuthorized, RecordCanceled, RecordCaptureFailed
from domain.payment.state import Dispute, PaymentState, Refund
from domain.payment.values import CaptureMethod
from infra.kafka.consumer.selection import select_new
from projections.errors import MisplacedEvent, VersionGap
from projections.events import DecodedEvent, by_stream
from projections.payments.mapping import fold
from projections.payments.rows import PaymentRow
from schemas.envelope import RecordedEvent
from schemas.http.times import timestamp
from tests.support.payment_histories import (
    START,
    batches,
    delivered,
    events_of,
    paid,
    random_history,
    recorded,
    refunded,
    request_payment,
)

PAYMENT_ID = PaymentId(uuid.UUID(int=1))
seeds = st.integers(min_value=0, max_value=2**64)


def usd(cents: int) -> Money:
    return Money(amount_cents=cents, currency="USD")


def decoded(log: list[RecordedEvent]) -> list[DecodedEvent]:
    return [DecodedEvent.of(event) for event in log]


def row_of(events: list[PaymentEvent]) -> PaymentRow:
    row = fold(decoded(recorded([(PAYMENT_ID, events)])))
    assert row is not None
    return row


def domain_columns(state: PaymentState) -> dict[str, Any]:
    return {
        "payment_id": state.payment_id,
        "merchant_id": state.merchant_id,
        "user_id": state.user_id,
        "amount_cents": state.amount.amount_cents,
        "currency": state.amount.currency,
        "status": state.status,
        "stripe_payment_intent_id": state.intent_id,
        "idempotency_key": state.idempotency_key,
        "description": state.description,
        "metadata": state.metadata,
        "customer": state.customer,
        "statement_descriptor_suffix": state.statement_descriptor_suffix,
        "capture_method": state.capture_method,
        "amount_capturable_cents": state.amount_capturable.amount_cents,
        "amount_captured_cents": state.amount_captured.amount_cents,
        "amount_refunded_cents": state.amount_refunded.amount_cents,
        "refunds": tuple(refund_columns(refund) for refund in state.refunds.values()),
        "last_error": state.last_error and asdict(state.last_error),
        "next_action": state.next_action and asdict(state.next_action),
        "capture_before": state.capture_before and datetime.fromtimestamp(state.capture_before, UTC),
        "dispute": dispute_columns([*state.disputes.values()][-1]) if state.disputes else None,
        "contradictions": tuple(
            {
                "stripe_id": each.object_id,
                "status": each.status,
                "reason": each.reason,
                "amount_cents": each.amount and each.amount.amount_cents,
                "currency": each.amount and each.amount.currency,
            }
            for each in state.open_contradictions
        ),
    }


def dispute_columns(dispute: Dispute) -> dict[str, Any]:
    due_by = dispute.evidence_due_by
    return {
        "id": dispute.dispute_id,
        "status": dispute.status,
        "reason": dispute.reason,
        "amount_cents": dispute.amount.amount_cents,
        "currency": dispute.amount.currency,
        "evidence_due_by": due_by and timestamp(datetime.fromtimestamp(due_by, UTC)),
        "funds": dispute.funds,
    }


def refund_columns(refund: Refund) -> dict[str, Any]:
    return {
        "refund_id": refund.refund_id,
        "stripe_refund_id": refund.stripe_refund_id,
        "status": refund.status,
        "amount_cents": refund.amount.amount_cents,
        "reason": refund.reason,
        "error": refund.error and {"code": refund.error.code, "message": refund.error.message},
    }


@given(seed=seeds, steps=st.integers(min_value=0, max_value=30))
def test_a_row_says_what_the_domain_says_after_any_valid_history(seed: int, steps: int) -> None:
    events = random_history(random.Random(seed), payment_id=PAYMENT_ID, steps=steps)
    row = asdict(row_of(events))
    for refund in row["refunds"]:
        del refund["created_at"]
    state = fold_domain(events)
    assert state is not None
    expected = domain_columns(state)
    assert {name: row[name] for name in expected} == expected


@given(seed=seeds)
def test_random_batches_with_repeats_give_the_same_rows_as_one_fold(seed: int) -> None:
    rng = random.Random(seed)
    ids = [uuid.UUID(int=rng.getrandbits(128), version=4) for _ in range(4)]
    log = recorded([(each, random_history(rng, payment_id=PaymentId(each), steps=12)) for each in ids], rng=rng)

    rows: dict[uuid.UUID, PaymentRow | None] = {}
    checkpoint = 0
    for batch in batches(rng, delivered(log)):
        chosen = select_new(batch, checkpoint)
        assert chosen.gap is None
        checkpoint = chosen.checkpoint
        fresh = [DecodedEvent.of(message.event) for message in chosen.fresh]
        for payment_id, events in by_stream(fresh).items():
            rows[payment_id] = fold(events, rows.get(payment_id))

    assert rows == {payment_id: fold(events) for payment_id, events in by_stream(decoded(log)).items()}


@given(seed=seeds)
def test_the_row_that_a_fold_begins_with_stays_as_it_was(seed: int) -> None:
    payment_id = PaymentId(uuid.UUID(int=random.Random(seed).getrandbits(128), version=4))
    events = decoded(recorded([(payment_id, random_history(random.Random(seed), payment_id=payment_id, steps=12))]))
    first = fold(events[:1])
    before = deepcopy(first)
    fold(events[1:], first)
    assert first == before


def test_the_decline_before_is_gone_once_another_card_is_tried() -> None:
    declined: list[PaymentCommand] = [request_payment(PAYMENT_ID), attempt_failed("ch_1")]
    confirmed = [*declined, ConfirmPayment(payment_method="pm_card_mastercard")]
    assert row_of(events_of(declined)).last_error is not None
    row = row_of(events_of(confirmed))
    assert (row.status, row.last_error) == ("requires_payment_method", None)
    assert row_of(events_of([*confirmed, attempt_failed("ch_2")])).last_error is not None


def test_a_capture_under_way_shows_no_refusal_of_the_one_before() -> None:
    first, second = RequestId(uuid.uuid4()), RequestId(uuid.uuid4())
    refused: list[PaymentCommand] = [
        request_payment(PAYMENT_ID, capture_method=CaptureMethod.MANUAL),
        RecordAuthorized(intent_id=StripeIntentId("pi_1"), amount=usd(1000), charge_id=StripeChargeId("ch_1")),
        CapturePayment(request_id=first),
        RecordCaptureFailed(request_id=first, code="lock_timeout", message="Try again."),
    ]
    assert row_of(events_of(refused)).last_error is not None
    for again in (CapturePayment(request_id=second), CancelPayment(request_id=second)):
        row = row_of(events_of([*refused, again]))
        assert (row.status, row.last_error) == ("requires_capture", None)


def test_a_payment_canceled_after_a_decline_goes_on_to_say_why() -> None:
    declined: list[PaymentCommand] = [request_payment(PAYMENT_ID), attempt_failed("ch_1")]
    canceled = [*declined, CancelPayment(request_id=RequestId(uuid.uuid4())), RecordCanceled(intent_id=None)]
    row = row_of(events_of(canceled))
    assert (row.status, row.last_error) == ("canceled", row_of(events_of(declined)).last_error)


def attempt_failed(attempt: str) -> RecordAttemptFailed:
    return RecordAttemptFailed(
        intent_id=StripeIntentId("pi_1"),
        attempt_id=AttemptId(attempt),
        code="card_declined",
        decline_code="insufficient_funds",
        message="No.",
    )


def test_a_row_carries_version_position_and_times_of_its_events() -> None:
    log = recorded([(uuid.uuid4(), events_of(paid(request_payment())))], first_position=70)
    row = fold(decoded(log))
    assert row is not None
    assert (row.version, row.position) == (3, 72)
    assert (row.created_at, row.updated_at) == (log[0].recorded_at, log[2].recorded_at)
    assert row.created_at > START


def test_refunds_are_in_the_order_of_their_requests_with_their_own_times() -> None:
    first, second = RefundId(uuid.uuid4()), RefundId(uuid.uuid4())
    events = events_of([*paid(request_payment()), *refunded(first, usd(300)), *refunded(second, usd(200))])
    row = row_of(events)
    assert [refund.refund_id for refund in row.refunds] == [first, second]
    assert row.refunds[0].created_at < row.refunds[1].created_at
    assert row.amount_refunded_cents == 500


def test_a_lost_event_stops_the_row_loudly() -> None:
    log = decoded(recorded([(uuid.uuid4(), events_of(paid(request_payment())))]))
    with pytest.raises(VersionGap, match="needs version 2 next, but the event at position 3 is version 3"):
        fold([log[0], log[2]])


def test_a_repeated_event_stops_the_row_loudly() -> None:
    log = decoded(recorded([(uuid.uuid4(), events_of(paid(request_payment())))]))
    with pytest.raises(VersionGap):
        fold([log[0], log[1], log[1]])


def test_a_payment_that_does_not_begin_with_its_request_stops_loudly() -> None:
    events = events_of(paid(request_payment()))
    with pytest.raises(MisplacedEvent):
        row_of(events[1:])


def test_a_refund_that_was_never_requested_stops_loudly() -> None:
    events = events_of([*paid(request_payment()), *refunded(RefundId(uuid.uuid4()), usd(300))])
    with pytest.raises(MisplacedEvent):
        row_of([*events[:3], events[4]])
