"""The rows of `payment_timeline`."""

import random
import uuid

import orjson
from hypothesis import given
from hypothesis import strategies as st

from domain.ids import PaymentId, RefundId
from domain.money import Money
from projections.events import DecodedEvent
from projections.payment_timeline.mapping import row_of
from schemas.http.summaries import summary
from tests.support.payment_histories import (
    events_of,
    paid,
    random_history,
    recorded,
    refunded,
    request_payment,
)


def test_an_event_becomes_a_row_with_its_envelope() -> None:
    payment_id = PaymentId(uuid.uuid4())
    (event, *_) = recorded([(payment_id, events_of(paid(request_payment())))], first_position=9)
    row = row_of(DecodedEvent.of(event))
    assert (row.payment_id, row.version, row.position, row.type) == (payment_id, 1, 9, "payment.requested")
    assert (row.at, row.actor, row.merchant_id) == (event.recorded_at, "api:key_test", "merchant_test")
    assert (row.request_id, row.correlation_id) == ("request-1", f"correlation-{payment_id}")


def test_a_summary_uses_the_words_of_the_api() -> None:
    request = request_payment()
    refund_id = RefundId(uuid.uuid4())
    events = events_of([*paid(request), *refunded(refund_id, Money(amount_cents=500, currency="USD"))])
    requested, created, succeeded, refund, refund_done = [summary(event) for event in events]
    assert requested == {
        "user_id": "user_1",
        "amount_cents": 1000,
        "currency": "USD",
        "payment_method": "pm_card_visa",
        "confirm": True,
        "capture_method": "automatic",
        "metadata": {"order": "A-1"},
        "idempotency_key": request.idempotency_key,
    }
    assert created["stripe_payment_intent_id"] == f"pi_{request.payment_id.hex}"
    assert succeeded == {
        "amount_captured_cents": 1000,
        "stripe_charge_id": f"ch_{request.payment_id.hex}",
    }
    assert refund == {"refund_id": refund_id, "amount_cents": 500, "reason": "duplicate"}
    assert refund_done == {"refund_id": refund_id, "stripe_refund_id": f"re_{refund_id.hex}"}


@given(seed=st.integers(min_value=0, max_value=2**64))
def test_every_event_has_a_summary_of_plain_json_without_null(seed: int) -> None:
    for event in random_history(random.Random(seed), payment_id=PaymentId(uuid.uuid4()), steps=25):
        said = orjson.loads(orjson.dumps(summary(event)))
        assert not [name for name, value in said.items() if value is None]
        assert "merchant_id" not in said
