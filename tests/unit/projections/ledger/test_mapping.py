"""From events to the ledger's rows: what is posted when, and what a batch hands to the next."""

import random
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from domain.ids import EventId, MerchantId, PaymentId, RefundId
from domain.money import Money
from domain.payment.observations import RecordRefundFailed, RecordRefundPending, RecordRefundSucceeded
from domain.stripe_balance import PayoutStatus, StripeBalanceEvent
from projections.errors import VersionGap
from projections.events import DecodedBalanceEvent, DecodedEvent
from projections.ledger.mapping import (
    Changes,
    StreamState,
    first_of_each,
    first_transactions,
    take_payment,
    take_payout,
    take_transaction,
)
from schemas.envelope import EventMetadata, RecordedEvent
from schemas.events import BALANCE_CODEC
from tests.support.balance_events import CREATED, a_payout, a_row
from tests.support.payment_histories import events_of, paid, random_history, recorded, refunded, request_payment

RECORDED_AT = datetime(2026, 5, 2, 12, tzinfo=UTC)


def of_balance(event: StripeBalanceEvent, *, position: int = 7, version: int = 1) -> DecodedBalanceEvent:
    metadata = EventMetadata(correlation_id="c", actor="stripe-balance", merchant_id=MerchantId("-"))
    new = BALANCE_CODEC.encode(event, event_id=EventId(uuid.uuid4()), metadata=metadata)
    return DecodedBalanceEvent.of(
        RecordedEvent(
            position=position,
            event_id=new.event_id,
            stream_id=uuid.UUID(int=9),
            version=version,
            category="stripe-balance",
            type=new.type,
            schema_version=1,
            data=new.data,
            metadata=metadata,
            recorded_at=RECORDED_AT,
        )
    )


def as_stored(state: StreamState) -> StreamState:
    """Return it as the database gives it back."""
    return StreamState(version=state.version, state=orjson.loads(orjson.dumps(state.state)))


@pytest.mark.parametrize("seed", range(30))
def test_batches_of_any_size_post_what_one_batch_does(seed: int) -> None:
    rng = random.Random(seed)
    payment_id = PaymentId(uuid.UUID(int=rng.getrandbits(128), version=4))
    log = recorded([(payment_id, random_history(rng, payment_id=payment_id, steps=25))])
    events = [DecodedEvent.of(each) for each in log]
    at_once, step_by_step = Changes(), Changes()
    after = take_payment(StreamState(), events, at_once, disputes={})
    state = StreamState()
    for event in events:
        disputes = {(each.source_id, each.category): each.times for each in first_of_each(step_by_step.movements)}
        state = as_stored(take_payment(state, [event], step_by_step, disputes=disputes))
    assert step_by_step == at_once
    assert state == as_stored(after)


def test_an_event_that_is_not_the_next_of_its_stream_is_refused() -> None:
    with pytest.raises(VersionGap):
        take_payout(StreamState(version=1), [of_balance(a_payout(), version=3)], Changes())
    with pytest.raises(VersionGap):
        take_transaction(of_balance(a_row(), version=2), Changes())


def test_a_row_counts_when_stripe_made_it_and_its_entries_are_numbered() -> None:
    changes = Changes()
    take_transaction(of_balance(a_row(reporting_category="topup")), changes)
    moment = datetime.fromtimestamp(CREATED, UTC)
    assert [(each.position, each.number, each.kind, each.at) for each in changes.entries] == [
        (7, 0, "movement", moment),
        (7, 1, "fee", moment),
    ]


@pytest.mark.parametrize(("arrives_after_s", "counts_after_s"), [(-3600, -3600), (0, 0), (86_400, 0)])
def test_a_payout_counts_when_it_arrives_but_not_later_than_it_is_known(
    arrives_after_s: int, counts_after_s: int
) -> None:
    changes = Changes()
    arrival = int(RECORDED_AT.timestamp()) + arrives_after_s
    take_payout(StreamState(), [of_balance(a_payout(PayoutStatus.PAID, arrival_date=arrival))], changes)
    assert [each.at for each in changes.entries] == [RECORDED_AT + timedelta(seconds=counts_after_s)]


def test_of_several_rows_for_one_movement_the_first_in_the_log_counts() -> None:
    changes = Changes()
    rows: list[tuple[int, dict[str, Any]]] = [(9, {"fee": 1}), (5, {"fee": 2}), (7, {"fee": 3})]
    for position, change in rows:
        row = a_row(f"txn_{position}", reporting_category="payout", source_id="po_1", **change)
        take_transaction(of_balance(row, position=position), changes)
    assert [each.position for each in first_of_each(changes.movements)] == [5]
    assert [(each.transaction_id, each.fee) for each in first_transactions(changes.transactions)] == [("txn_5", 2)]


@pytest.mark.parametrize("ends", [RecordRefundSucceeded, RecordRefundFailed])
def test_what_an_older_release_posted_while_pending_is_not_posted_again(ends: Any) -> None:
    refund_id, request = uuid.UUID(int=1), request_payment()
    named: dict[str, Any] = {"refund_id": refund_id, "stripe_refund_id": "re_1"}
    requested, _ = refunded(RefundId(refund_id), Money(amount_cents=400, currency="USD"))
    reason = {"code": "refund_canceled", "message": "m"} if ends is RecordRefundFailed else {}
    life = events_of([*paid(request), requested, RecordRefundPending(**named), ends(**named, **reason)])
    events = [DecodedEvent.of(each) for each in recorded([(request.payment_id, life)])]
    stored = {"refunds": {str(refund_id): {"amount": 400, "currency": "USD", "posted": True}}}
    changes = Changes()
    take_payment(StreamState(version=len(life) - 1, state=stored), events[-1:], changes, disputes={})
    # What is in the books already is taken back there, whether Stripe has moved it or not.
    expected = [("refund_failure", True)] if ends is RecordRefundFailed else []
    assert [(each.category, each.posted) for each in changes.movements] == expected
    assert len(changes.entries) == len(expected)
