"""From events to rows, purely: what each event changes in a payment's row.

It keeps less than the domain's state, so it has words of its own; a test holds it against the domain's fold.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import assert_never

from domain.payment.events import (
    ContradictionEvent,
    DisputeClosed,
    DisputeEvent,
    DisputeFundsReinstated,
    DisputeFundsWithdrawn,
    DisputeOpened,
    DisputeUpdated,
    IntentEvent,
    PaymentActionRequired,
    PaymentAttemptFailed,
    PaymentAuthorized,
    PaymentCanceled,
    PaymentCancelFailed,
    PaymentCancelRequested,
    PaymentCaptureFailed,
    PaymentCaptureRequested,
    PaymentConfirmationRequested,
    PaymentContradictionResolved,
    PaymentFailed,
    PaymentIntentCreated,
    PaymentProcessing,
    PaymentRequested,
    PaymentSucceeded,
    RefundEvent,
    RefundFailed,
    RefundFound,
    RefundPending,
    RefundRequested,
    RefundSucceeded,
    RequestEvent,
    TaskEvent,
)
from domain.payment.values import DisputeFunds, PaymentStatus, RefundStatus
from projections.errors import MisplacedEvent, check_next
from projections.events import DecodedEvent
from projections.payments.rows import (
    ActionColumn,
    ContradictionElement,
    DisputeColumn,
    ErrorColumn,
    PaymentRow,
    RefundElement,
    RefundError,
)
from schemas.envelope import RecordedEvent
from schemas.http.times import payment_created_at, timestamp

NAME = "payments"


def fold(events: Iterable[DecodedEvent], row: PaymentRow | None = None) -> PaymentRow | None:
    """Return a payment's row after further events of it, in order (`row` None: it has none yet).

    Raises VersionGap and MisplacedEvent (projections.errors).
    """
    for event in events:
        row = _next(row, event)
    return row


def _next(row: PaymentRow | None, event: DecodedEvent) -> PaymentRow:
    recorded, fact = event.recorded, event.fact
    check_next(
        projection=NAME,
        payment_id=recorded.stream_id,
        current=row.version if row else 0,
        actual=recorded.version,
        position=recorded.position,
    )
    if isinstance(fact, PaymentRequested) != (row is None):
        raise MisplacedEvent(projection=NAME, event_type=recorded.type, position=recorded.position)
    if isinstance(fact, PaymentRequested):
        return _first(fact, recorded)
    assert row is not None
    return replace(
        _changed(row, fact, recorded),
        version=recorded.version,
        position=recorded.position,
        updated_at=recorded.recorded_at,
    )


def _first(fact: PaymentRequested, recorded: RecordedEvent) -> PaymentRow:
    return PaymentRow(
        payment_id=recorded.stream_id,
        merchant_id=fact.merchant_id,
        user_id=fact.user_id,
        amount_cents=fact.amount.amount_cents,
        currency=fact.amount.currency,
        status=PaymentStatus.PENDING.value,
        stripe_payment_intent_id=None,
        idempotency_key=fact.idempotency_key,
        description=fact.description,
        metadata=dict(fact.metadata),
        customer=fact.customer,
        statement_descriptor_suffix=fact.statement_descriptor_suffix,
        capture_method=fact.capture_method.value,
        amount_capturable_cents=0,
        amount_captured_cents=0,
        amount_refunded_cents=0,
        capture_before=None,
        refunds=(),
        last_error=None,
        next_action=None,
        dispute=None,
        contradictions=(),
        created_at=payment_created_at(recorded.stream_id, recorded.recorded_at),
        updated_at=recorded.recorded_at,
        version=recorded.version,
        position=recorded.position,
    )


def _changed(
    row: PaymentRow,
    fact: IntentEvent | RequestEvent | RefundEvent | DisputeEvent | TaskEvent | ContradictionEvent,
    recorded: RecordedEvent,
) -> PaymentRow:
    if isinstance(fact, RefundEvent):
        return _with_refund(row, fact, recorded)
    if isinstance(fact, DisputeEvent):
        return _with_dispute(row, fact)
    if isinstance(fact, TaskEvent):
        return row  # the timeline tells of it
    if isinstance(fact, ContradictionEvent):
        return _with_contradiction(row, fact)
    return _with_status(row, fact)


def _with_status(row: PaymentRow, fact: IntentEvent | RequestEvent) -> PaymentRow:
    match fact:
        case PaymentConfirmationRequested() | PaymentCaptureRequested() | PaymentCancelRequested():
            return row  # a wish: the status moves with its outcome
        case PaymentCaptureFailed() | PaymentCancelFailed():
            refusal = ErrorColumn(code=fact.code, decline_code=None, message=fact.message)
            return replace(row, last_error=refusal)
        case _:
            return _after_stripe(row, fact)


def _after_stripe(row: PaymentRow, fact: IntentEvent) -> PaymentRow:
    match fact:
        case PaymentIntentCreated():
            pending = row.status == PaymentStatus.PENDING.value
            status = fact.status.value if pending else row.status
            return replace(row, stripe_payment_intent_id=fact.intent_id, status=status)
        case PaymentActionRequired():
            action = ActionColumn(type=fact.action_type, redirect_url=fact.redirect_url)
            return _moved(row, PaymentStatus.REQUIRES_ACTION, action=action)
        case PaymentProcessing():
            return _moved(row, PaymentStatus.PROCESSING)
        case PaymentAuthorized():
            until = None if fact.capture_before is None else _moment(fact.capture_before)
            held = replace(row, amount_capturable_cents=fact.amount.amount_cents, capture_before=until)
            return _moved(held, PaymentStatus.REQUIRES_CAPTURE)
        case PaymentAttemptFailed():
            return _moved(row, PaymentStatus.REQUIRES_PAYMENT_METHOD, error=_error(fact))
        case PaymentSucceeded() | PaymentFailed() | PaymentCanceled():
            return _ended(replace(row, amount_capturable_cents=0, capture_before=None), fact)
        case _:
            assert_never(fact)


def _ended(row: PaymentRow, fact: PaymentSucceeded | PaymentFailed | PaymentCanceled) -> PaymentRow:
    match fact:
        case PaymentSucceeded():
            taken = replace(row, amount_captured_cents=fact.amount_captured.amount_cents)
            return _moved(taken, PaymentStatus.SUCCEEDED)
        case PaymentFailed():
            return _moved(row, PaymentStatus.FAILED, error=_error(fact))
        case PaymentCanceled():
            return _moved(row, PaymentStatus.CANCELED, error=row.last_error)
        case _:
            assert_never(fact)


def _moved(
    row: PaymentRow,
    status: PaymentStatus,
    *,
    error: ErrorColumn | None = None,
    action: ActionColumn | None = None,
) -> PaymentRow:
    """Give the row a status. What the payer was to do, or what went wrong before, is over unless given."""
    return replace(row, status=status.value, last_error=error, next_action=action)


def _error(fact: PaymentAttemptFailed | PaymentFailed) -> ErrorColumn:
    return ErrorColumn(code=fact.code, decline_code=fact.decline_code, message=fact.message)


def _with_refund(row: PaymentRow, fact: RefundEvent, recorded: RecordedEvent) -> PaymentRow:
    if isinstance(fact, RefundRequested | RefundFound):
        refund = RefundElement(
            refund_id=fact.refund_id,
            stripe_refund_id=fact.stripe_refund_id if isinstance(fact, RefundFound) else None,
            status=RefundStatus.PENDING.value,
            amount_cents=fact.amount.amount_cents,
            reason=fact.reason.value if fact.reason else None,
            error=None,
            created_at=timestamp(recorded.recorded_at),
        )
        known = next((each for each in row.refunds if each.refund_id == fact.refund_id), None)
        if known is None:
            return replace(row, refunds=(*row.refunds, refund))
        # It was recorded as failed, and Stripe has it after all.
        again = replace(refund, created_at=known.created_at)
        return replace(row, refunds=tuple(again if each is known else each for each in row.refunds))
    if all(refund.refund_id != fact.refund_id for refund in row.refunds):
        raise MisplacedEvent(projection=NAME, event_type=recorded.type, position=recorded.position)
    refunds = tuple(_settled(refund, fact) if refund.refund_id == fact.refund_id else refund for refund in row.refunds)
    refunded = sum(each.amount_cents for each in refunds if each.status == RefundStatus.SUCCEEDED.value)
    return replace(row, refunds=refunds, amount_refunded_cents=refunded)


def _settled(refund: RefundElement, fact: RefundPending | RefundSucceeded | RefundFailed) -> RefundElement:
    match fact:
        case RefundPending():
            return replace(refund, stripe_refund_id=fact.stripe_refund_id)
        case RefundSucceeded():
            return replace(refund, stripe_refund_id=fact.stripe_refund_id, status=RefundStatus.SUCCEEDED.value)
        case RefundFailed():
            return replace(
                refund,
                stripe_refund_id=fact.stripe_refund_id or refund.stripe_refund_id,
                status=RefundStatus.FAILED.value,
                error=RefundError(code=fact.code, message=fact.message),
            )


def _with_dispute(row: PaymentRow, fact: DisputeEvent) -> PaymentRow:
    """Show the dispute that was opened last; the timeline tells of the others."""
    if isinstance(fact, DisputeOpened):
        dispute = DisputeColumn(
            id=fact.dispute_id,
            status=fact.status,
            reason=fact.reason,
            amount_cents=fact.amount.amount_cents,
            currency=fact.amount.currency,
            evidence_due_by=_due_by(fact.evidence_due_by),
            funds=DisputeFunds.NONE.value,
        )
        return replace(row, dispute=dispute)
    if row.dispute is None or row.dispute.id != fact.dispute_id:
        return row
    return replace(row, dispute=_contested(row.dispute, fact))


def _contested(
    dispute: DisputeColumn,
    fact: DisputeUpdated | DisputeFundsWithdrawn | DisputeFundsReinstated | DisputeClosed,
) -> DisputeColumn:
    match fact:
        case DisputeUpdated():
            return replace(dispute, status=fact.status, evidence_due_by=_due_by(fact.evidence_due_by))
        case DisputeFundsWithdrawn():
            return replace(dispute, funds=DisputeFunds.WITHDRAWN.value)
        case DisputeFundsReinstated():
            return replace(dispute, funds=DisputeFunds.REINSTATED.value)
        case DisputeClosed():
            return replace(dispute, status=fact.status)


def _with_contradiction(row: PaymentRow, fact: ContradictionEvent) -> PaymentRow:
    """Show those that are open; the timeline tells of the others."""
    key = (fact.object_id, fact.status)
    others = tuple(each for each in row.contradictions if (each.stripe_id, each.status) != key)
    if isinstance(fact, PaymentContradictionResolved):
        return replace(row, contradictions=others)
    contradiction = ContradictionElement(
        stripe_id=fact.object_id,
        status=fact.status,
        reason=fact.reason,
        amount_cents=None if fact.amount is None else fact.amount.amount_cents,
        currency=None if fact.amount is None else fact.amount.currency,
    )
    return replace(row, contradictions=(*others, contradiction))


def _due_by(unix_s: int | None) -> str | None:
    return None if unix_s is None else timestamp(_moment(unix_s))


def _moment(unix_s: int) -> datetime:
    return datetime.fromtimestamp(unix_s, UTC)
