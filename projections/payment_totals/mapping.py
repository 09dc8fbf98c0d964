"""From events to what a payment is counted as, purely; and from that to what the totals change by.

It has the status and the last refusal as `projections.payments` shows them; a test compares the two.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from copy import copy
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, assert_never

from domain.ids import MerchantId, PaymentId
from domain.payment.events import (
    PaymentActionRequired,
    PaymentAttemptFailed,
    PaymentAuthorized,
    PaymentCanceled,
    PaymentCancelFailed,
    PaymentCancelRequested,
    PaymentCaptureFailed,
    PaymentCaptureRequested,
    PaymentConfirmationRequested,
    PaymentEvent,
    PaymentFailed,
    PaymentIntentCreated,
    PaymentProcessing,
    PaymentRequested,
    PaymentSucceeded,
    RequestEvent,
)
from domain.payment.values import PaymentStatus
from projections.errors import MisplacedEvent, check_next
from projections.events import DecodedEvent
from schemas.envelope import RecordedEvent
from schemas.http.times import payment_created_at

NAME = "payment_totals"
QUARTER = timedelta(minutes=15)
"""Every business zone's days are made of whole quarters of an hour."""
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)

_MOVED: Mapping[type, PaymentStatus] = {
    PaymentActionRequired: PaymentStatus.REQUIRES_ACTION,
    PaymentProcessing: PaymentStatus.PROCESSING,
    PaymentAuthorized: PaymentStatus.REQUIRES_CAPTURE,
    PaymentSucceeded: PaymentStatus.SUCCEEDED,
    PaymentAttemptFailed: PaymentStatus.REQUIRES_PAYMENT_METHOD,
    PaymentFailed: PaymentStatus.FAILED,
}
"""Where these lead; what went wrong before is over then."""


class TotalKey(NamedTuple):
    """The key of a row of `read_model.payment_totals`, in the order of its columns."""

    merchant_id: MerchantId
    quarter: datetime
    currency: str
    status: str
    refusal_code: str


@dataclass(kw_only=True, slots=True)
class CountedPayment:
    """A row of `read_model.counted_payments`: what a payment is counted as.

    Not frozen: `counted` copies it once, and has each event change what it changes.
    """

    payment_id: PaymentId
    merchant_id: MerchantId
    quarter: datetime
    currency: str
    status: str
    refusal_code: str
    amount: int
    version: int

    @property
    def key(self) -> TotalKey:
        """The total that it is part of."""
        return TotalKey(self.merchant_id, self.quarter, self.currency, self.status, self.refusal_code)


def counted(events: Iterable[DecodedEvent], row: CountedPayment | None) -> CountedPayment:
    """Return what a payment is counted as after further events (`row` None: it has none yet).

    Raises VersionGap and MisplacedEvent.
    """
    row = copy(row)
    for decoded in events:
        check_next(NAME, decoded.recorded, row.version if row else 0)
        row = _next(row, decoded)
        row.version = decoded.recorded.version
    assert row is not None
    return row


def _next(row: CountedPayment | None, decoded: DecodedEvent) -> CountedPayment:
    """Return the row after an event, but for its version."""
    recorded, event = decoded.recorded, decoded.domain_event
    if isinstance(event, PaymentRequested) != (row is None):
        raise MisplacedEvent(projection=NAME, event_type=recorded.type, position=recorded.position)
    if isinstance(event, PaymentRequested):
        return _first(event, recorded)
    assert row is not None
    _change(row, event)
    return row


def _change(row: CountedPayment, event: PaymentEvent) -> None:
    if isinstance(event, PaymentIntentCreated):
        if row.status == PaymentStatus.PENDING.value:
            row.status = event.status.value
    elif isinstance(event, PaymentCanceled):  # why it was refused before, if it was, stays
        row.status = PaymentStatus.CANCELED.value
    elif isinstance(event, RequestEvent):
        _change_by_request(row, event)
    elif (status := _MOVED.get(type(event))) is not None:
        row.status, row.refusal_code = status.value, _refusal_of(event)


def _refusal_of(event: PaymentEvent) -> str:
    return event.decline_code or event.code if isinstance(event, PaymentAttemptFailed | PaymentFailed) else ""


def _change_by_request(row: CountedPayment, event: RequestEvent) -> None:
    match event:
        case PaymentCaptureFailed() | PaymentCancelFailed():
            row.refusal_code = event.code
        case PaymentConfirmationRequested() | PaymentCaptureRequested():
            row.refusal_code = ""
        case PaymentCancelRequested():
            if row.status != PaymentStatus.REQUIRES_PAYMENT_METHOD.value:  # a decline stays
                row.refusal_code = ""
        case _:
            assert_never(event)


def _first(event: PaymentRequested, recorded: RecordedEvent) -> CountedPayment:
    payment_id = PaymentId(recorded.stream_id)
    return CountedPayment(
        payment_id=payment_id,
        merchant_id=event.merchant_id,
        quarter=quarter_of(payment_created_at(payment_id, recorded.recorded_at)),
        currency=event.amount.currency,
        status=PaymentStatus.PENDING.value,
        refusal_code="",
        amount=event.amount.amount_cents,
        version=recorded.version,
    )


def quarter_of(moment: datetime) -> datetime:
    """Return when the quarter of an hour began."""
    return _EPOCH + (moment - _EPOCH) // QUARTER * QUARTER


@dataclass(frozen=True, kw_only=True, slots=True)
class TotalChange:
    """By how much a total changes."""

    merchant_id: MerchantId
    quarter: datetime
    currency: str
    status: str
    refusal_code: str
    payments: int
    amount: int


def changes(pairs: Iterable[tuple[CountedPayment | None, CountedPayment]]) -> list[TotalChange]:
    """Return by how much the totals change when payments are counted as the second of each pair, not as the first.

    In the order of their keys: whoever changes several locks them in the same one.
    """
    payments, amounts = Counter[TotalKey](), Counter[TotalKey]()
    for before, after in pairs:
        if before is not None and before.key == after.key:
            continue
        for each, sign in ((before, -1), (after, 1)):
            if each is not None:
                payments[each.key] += sign
                amounts[each.key] += sign * each.amount
    return [
        TotalChange(**key._asdict(), payments=payments[key], amount=amounts[key])
        for key in sorted(payments)
        if payments[key] or amounts[key]
    ]
