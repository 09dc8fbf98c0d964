"""From events to rows, purely: what each event changes in a payment's row.

It keeps less than the domain's state, so it has types of its own; a test compares it with the domain's fold.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import assert_never

from domain.ids import PaymentId
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
from domain.personal_data import PersonalDataErased, without_members, without_text
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
    current, last = row.version if row else 0, None
    for decoded in events:
        last = decoded.recorded
        check_next(
            projection=NAME,
            stream_id=last.stream_id,
            current=current,
            actual=last.version,
            position=last.position,
        )
        row, current = _next(row, decoded), last.version
    if row is None or last is None:
        return row
    return replace(row, version=last.version, position=last.position, updated_at=last.recorded_at)


def _next(row: PaymentRow | None, decoded: DecodedEvent) -> PaymentRow:
    """Return the row after an event, but for the columns that say which event it was."""
    recorded, event = decoded.recorded, decoded.domain_event
    if isinstance(event, PaymentRequested) != (row is None):
        raise MisplacedEvent(projection=NAME, event_type=recorded.type, position=recorded.position)
    if isinstance(event, PaymentRequested):
        return _first(event, recorded)
    assert row is not None
    return _changed(row, event, recorded)


def _first(event: PaymentRequested, recorded: RecordedEvent) -> PaymentRow:
    return PaymentRow(
        payment_id=PaymentId(recorded.stream_id),
        merchant_id=event.merchant_id,
        user_id=event.user_id,
        amount_cents=event.amount.amount_cents,
        currency=event.amount.currency,
        status=PaymentStatus.PENDING.value,
        stripe_payment_intent_id=None,
        idempotency_key=event.idempotency_key,
        description=event.description,
        metadata=dict(event.metadata),
        customer=event.customer,
        statement_descriptor_suffix=event.statement_descriptor_suffix,
        capture_method=event.capture_method.value,
        amount_capturable_cents=0,
        amount_captured_cents=0,
        amount_refunded_cents=0,
        capture_before=None,
        refunds=(),
        last_error=None,
        next_action=None,
        dispute=None,
        contradictions=(),
        split_payment_id=event.split_payment_id,
        created_at=payment_created_at(PaymentId(recorded.stream_id), recorded.recorded_at),
        updated_at=recorded.recorded_at,
        version=recorded.version,
        position=recorded.position,
    )


def _changed(
    row: PaymentRow,
    event: IntentEvent
    | RequestEvent
    | RefundEvent
    | DisputeEvent
    | TaskEvent
    | ContradictionEvent
    | PersonalDataErased,
    recorded: RecordedEvent,
) -> PaymentRow:
    if isinstance(event, RefundEvent):
        return _with_refund(row, event, recorded)
    if isinstance(event, DisputeEvent):
        return _with_dispute(row, event)
    if isinstance(event, TaskEvent):
        return row  # only the timeline shows it
    if isinstance(event, ContradictionEvent):
        return _with_contradiction(row, event)
    if isinstance(event, PersonalDataErased):
        return _without_personal_data(row, event)
    return _with_status(row, event)


def _without_personal_data(row: PaymentRow, event: PersonalDataErased) -> PaymentRow:
    return replace(
        row,
        description=without_text(row.description, "/description", event.fields),
        metadata=without_members(row.metadata, "/metadata", event.fields),
    )


def _with_status(row: PaymentRow, event: IntentEvent | RequestEvent) -> PaymentRow:
    match event:
        case PaymentConfirmationRequested() | PaymentCaptureRequested() | PaymentCancelRequested():
            return row  # a request: the status changes with its outcome
        case PaymentCaptureFailed() | PaymentCancelFailed():
            refusal = ErrorColumn(code=event.code, decline_code=None, message=event.message)
            return replace(row, last_error=refusal)
        case _:
            return _after_stripe(row, event)


def _after_stripe(row: PaymentRow, event: IntentEvent) -> PaymentRow:
    match event:
        case PaymentIntentCreated():
            pending = row.status == PaymentStatus.PENDING.value
            status = event.status.value if pending else row.status
            return replace(row, stripe_payment_intent_id=event.intent_id, status=status)
        case PaymentActionRequired():
            action = ActionColumn(type=event.action_type, redirect_url=event.redirect_url)
            return _moved(row, PaymentStatus.REQUIRES_ACTION, action=action)
        case PaymentProcessing():
            return _moved(row, PaymentStatus.PROCESSING)
        case PaymentAuthorized():
            until = None if event.capture_before is None else _moment(event.capture_before)
            held = replace(row, amount_capturable_cents=event.amount.amount_cents, capture_before=until)
            return _moved(held, PaymentStatus.REQUIRES_CAPTURE)
        case PaymentAttemptFailed():
            return _moved(row, PaymentStatus.REQUIRES_PAYMENT_METHOD, error=_error(event))
        case PaymentSucceeded() | PaymentFailed() | PaymentCanceled():
            return _ended(replace(row, amount_capturable_cents=0, capture_before=None), event)
        case _:
            assert_never(event)


def _ended(row: PaymentRow, event: PaymentSucceeded | PaymentFailed | PaymentCanceled) -> PaymentRow:
    match event:
        case PaymentSucceeded():
            taken = replace(row, amount_captured_cents=event.amount_captured.amount_cents)
            return _moved(taken, PaymentStatus.SUCCEEDED)
        case PaymentFailed():
            return _moved(row, PaymentStatus.FAILED, error=_error(event))
        case PaymentCanceled():
            return _moved(row, PaymentStatus.CANCELED, error=row.last_error)
        case _:
            assert_never(event)


def _moved(
    row: PaymentRow,
    status: PaymentStatus,
    *,
    error: ErrorColumn | None = None,
    action: ActionColumn | None = None,
) -> PaymentRow:
    """Give the row a status. What the payer was to do, or what went wrong before, is over unless given."""
    return replace(row, status=status.value, last_error=error, next_action=action)


def _error(event: PaymentAttemptFailed | PaymentFailed) -> ErrorColumn:
    return ErrorColumn(code=event.code, decline_code=event.decline_code, message=event.message)


def _with_refund(row: PaymentRow, event: RefundEvent, recorded: RecordedEvent) -> PaymentRow:
    if isinstance(event, RefundRequested | RefundFound):
        refund = RefundElement(
            refund_id=event.refund_id,
            stripe_refund_id=event.stripe_refund_id if isinstance(event, RefundFound) else None,
            status=RefundStatus.PENDING.value,
            amount_cents=event.amount.amount_cents,
            reason=event.reason.value if event.reason else None,
            error=None,
            created_at=timestamp(recorded.recorded_at),
        )
        known = next((each for each in row.refunds if each.refund_id == event.refund_id), None)
        if known is None:
            return replace(row, refunds=(*row.refunds, refund))
        # It was recorded as failed, and Stripe has it after all.
        again = replace(refund, created_at=known.created_at)
        return replace(row, refunds=tuple(again if each is known else each for each in row.refunds))
    if all(refund.refund_id != event.refund_id for refund in row.refunds):
        raise MisplacedEvent(projection=NAME, event_type=recorded.type, position=recorded.position)
    refunds = tuple(
        _with_outcome(refund, event) if refund.refund_id == event.refund_id else refund for refund in row.refunds
    )
    refunded = sum(each.amount_cents for each in refunds if each.status == RefundStatus.SUCCEEDED.value)
    return replace(row, refunds=refunds, amount_refunded_cents=refunded)


def _with_outcome(refund: RefundElement, event: RefundPending | RefundSucceeded | RefundFailed) -> RefundElement:
    match event:
        case RefundPending():
            return replace(refund, stripe_refund_id=event.stripe_refund_id)
        case RefundSucceeded():
            return replace(refund, stripe_refund_id=event.stripe_refund_id, status=RefundStatus.SUCCEEDED.value)
        case RefundFailed():
            return replace(
                refund,
                stripe_refund_id=event.stripe_refund_id or refund.stripe_refund_id,
                status=RefundStatus.FAILED.value,
                error=RefundError(code=event.code, message=event.message),
            )


def _with_dispute(row: PaymentRow, event: DisputeEvent) -> PaymentRow:
    """Show the dispute that was opened last; the timeline has the others."""
    if isinstance(event, DisputeOpened):
        dispute = DisputeColumn(
            id=event.dispute_id,
            status=event.status,
            reason=event.reason,
            amount_cents=event.amount.amount_cents,
            currency=event.amount.currency,
            evidence_due_by=_due_by(event.evidence_due_by),
            funds=DisputeFunds.NONE.value,
        )
        return replace(row, dispute=dispute)
    if row.dispute is None or row.dispute.id != event.dispute_id:
        return row
    return replace(row, dispute=_contested(row.dispute, event))


def _contested(
    dispute: DisputeColumn,
    event: DisputeUpdated | DisputeFundsWithdrawn | DisputeFundsReinstated | DisputeClosed,
) -> DisputeColumn:
    match event:
        case DisputeUpdated():
            return replace(dispute, status=event.status, evidence_due_by=_due_by(event.evidence_due_by))
        case DisputeFundsWithdrawn():
            return replace(dispute, funds=DisputeFunds.WITHDRAWN.value)
        case DisputeFundsReinstated():
            return replace(dispute, funds=DisputeFunds.REINSTATED.value)
        case DisputeClosed():
            return replace(dispute, status=event.status)


def _with_contradiction(row: PaymentRow, event: ContradictionEvent) -> PaymentRow:
    """Show the open ones; the timeline has the others."""
    key = (event.object_id, event.status)
    others = tuple(each for each in row.contradictions if (each.stripe_id, each.status) != key)
    if isinstance(event, PaymentContradictionResolved):
        return replace(row, contradictions=others)
    contradiction = ContradictionElement(
        stripe_id=event.object_id,
        status=event.status,
        reason=event.reason,
        amount_cents=None if event.amount is None else event.amount.amount_cents,
        currency=None if event.amount is None else event.amount.currency,
    )
    return replace(row, contradictions=(*others, contradiction))


def _due_by(unix_s: int | None) -> str | None:
    return None if unix_s is None else timestamp(_moment(unix_s))


def _moment(unix_s: int) -> datetime:
    return datetime.fromtimestamp(unix_s, UTC)
