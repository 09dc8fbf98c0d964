"""What payments are counted as against the rows of `payments`, however the events come in."""

import random
import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.ids import AttemptId, PaymentId, RequestId
from domain.payment.commands import CancelPayment, ConfirmPayment, PaymentCommand
from domain.payment.observations import RecordAttemptFailed, RecordCanceled
from projections.errors import MisplacedEvent, VersionGap
from projections.events import DecodedEvent
from projections.payment_totals.mapping import CountedPayment, changes, counted, quarter_of
from projections.payments.mapping import fold
from tests.support.payment_histories import events_of, paid, random_history, recorded, request_payment

seeds = st.integers(min_value=0, max_value=2**64)


def decoded(payment_id: PaymentId, rng: random.Random) -> list[DecodedEvent]:
    return [
        DecodedEvent.of(each)
        for each in recorded([(payment_id, random_history(rng, payment_id=payment_id, steps=rng.randint(0, 12)))])
    ]


@given(seeds)
def test_a_payment_is_counted_as_what_the_list_shows(seed: int) -> None:
    rng = random.Random(seed)
    payment_id = PaymentId(uuid.UUID(int=rng.getrandbits(128), version=4))
    counted_as, row = None, None
    for event in decoded(payment_id, rng):
        counted_as, row = counted([event], counted_as), fold([event], row)
        assert row is not None
        error = row.last_error
        assert counted_as.status == row.status
        assert counted_as.refusal_code == ("" if error is None else error.decline_code or error.code)
        assert (counted_as.merchant_id, counted_as.currency) == (row.merchant_id, row.currency)
        assert counted_as.amount == row.amount_cents
        assert counted_as.quarter <= row.created_at < counted_as.quarter + timedelta(minutes=15)


@given(st.lists(seeds, max_size=6), st.randoms(use_true_random=False))
def test_changes_add_up_to_a_count_of_the_payments(payments: list[int], rng: random.Random) -> None:
    totals: Counter[tuple[object, ...]] = Counter()
    rows: dict[PaymentId, CountedPayment] = {}
    for number, seed in enumerate(payments):
        payment_id = PaymentId(uuid.UUID(int=number))
        events = decoded(payment_id, random.Random(seed))
        while events:
            size = rng.randint(1, len(events))
            before = rows.get(payment_id)
            rows[payment_id] = counted(events[:size], before)
            for change in changes([(before, rows[payment_id])]):
                key = (change.merchant_id, change.quarter, change.currency, change.status, change.refusal_code)
                totals[key] += change.payments
            events = events[size:]
    assert {key: count for key, count in totals.items() if count} == Counter(tuple(row.key) for row in rows.values())


def test_a_decline_counts_until_another_card_is_tried_and_when_canceled() -> None:
    payment_id = PaymentId(uuid.UUID(int=1))
    declined: list[PaymentCommand] = [
        request_payment(payment_id),
        RecordAttemptFailed(intent_id=None, attempt_id=AttemptId("ch_1"), code="expired_card", message="No."),
    ]
    canceled = [*declined, CancelPayment(request_id=RequestId(uuid.uuid4())), RecordCanceled(intent_id=None)]
    for commands, refusal_code in (
        (declined, "expired_card"),
        ([*declined, ConfirmPayment(payment_method="pm_card_mastercard")], ""),
        (canceled[:-1], "expired_card"),
        (canceled, "expired_card"),
    ):
        events = [DecodedEvent.of(each) for each in recorded([(payment_id, events_of(commands))])]
        assert counted(events, None).refusal_code == refusal_code


def test_what_is_counted_as_before_changes_nothing() -> None:
    payment_id = PaymentId(uuid.UUID(int=1))
    row = counted(decoded(payment_id, random.Random(1)), None)
    assert changes([(row, row)]) == []


def test_an_event_out_of_turn_is_refused() -> None:
    payment_id = PaymentId(uuid.UUID(int=1))
    events = [DecodedEvent.of(each) for each in recorded([(payment_id, events_of(paid(request_payment(payment_id))))])]
    with pytest.raises(VersionGap):
        counted(events[1:], None)
    first = counted(events[:1], None)
    with pytest.raises(VersionGap):
        counted(events[2:], first)
    with pytest.raises((VersionGap, MisplacedEvent)):
        counted(events[:1], first)


@given(st.datetimes(min_value=datetime(1999, 1, 1), max_value=datetime(2100, 1, 1)))  # noqa: DTZ001 - made UTC below
def test_a_quarter_begins_at_a_whole_quarter_before(moment: datetime) -> None:
    utc = moment.replace(tzinfo=UTC)
    quarter = quarter_of(utc)
    assert timedelta(0) <= utc - quarter < timedelta(minutes=15)
    assert (quarter.minute % 15, quarter.second, quarter.microsecond) == (0, 0, 0)
