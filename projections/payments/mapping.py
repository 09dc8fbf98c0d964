"""From events to rows, purely: what each event changes in a payment's row.

It keeps less than the domain's state, so it has types of its own; a test compares it with the domain's fold.
"""

from collections.abc import Iterable
from copy import copy
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
    """Return a payment's row after further events of it, in order (`row` None: it has none yet, else it is left alone).

    Raises VersionGap and MisplacedEvent (projections.errors).
    """
    current, last = row.version if row else 0, None
    row = copy(row)
    for decoded in events:
        last = decoded.recorded
        check_next(NAME, last, current)
        row, current = _next(row, decoded), last.version
    if row is not None and last is not None:
        row.version, row.position, row.updated_at = last.version, last.position, last.recorded_at
    return row


def _next(row: PaymentRow | None, decoded: DecodedEvent) -> PaymentRow:
    """Return the row after an event, but for the columns that say which event it was."""
    recorded, event = decoded.recorded, decoded.domain_event
    if isinstance(event, PaymentRequested) != (row is None):
        raise MisplacedEvent(projection=NAME, event_type=recorded.type, position=recorded.position)
    if isinstance(event, PaymentRequested):
        return _first(event, recorded)
    assert row is not None
    _change(row, event, recorded)
    return row


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


def _change(
    row: PaymentRow,
    event: IntentEvent
    | RequestEvent
    | RefundEvent
    | DisputeEvent
    | TaskEvent
    | ContradictionEvent
    | PersonalDataErased,
    recorded: RecordedEvent,
) -> None:
    if isinstance(event, RefundEvent):
        _change_refund(row, event, recorded)
    elif isinstance(event, DisputeEvent):
        _change_dispute(row, event)
    elif isinstance(event, TaskEvent):
        pass  # only the timeline shows it
    elif isinstance(event, ContradictionEvent):
        _change_contradictions(row, event)
    elif isinstance(event, PersonalDataErased):
        row.description = without_text(row.description, "/description", event.fields)
        row.metadata = without_members(row.metadata, "/metadata", event.fields)
    else:
        _change_status(row, event)


def _change_status(row: PaymentRow, event: IntentEvent | RequestEvent) -> None:
    match event:
        # Requests: the status changes with their outcome. What was refused before is not that outcome.
        case PaymentConfirmationRequested() | PaymentCaptureRequested():
            row.last_error = None
        case PaymentCancelRequested():
            if row.status != PaymentStatus.REQUIRES_PAYMENT_METHOD.value:  # a decline stays
                row.last_error = None
        case PaymentCaptureFailed() | PaymentCancelFailed():
            row.last_error = ErrorColumn(code=event.code, decline_code=None, message=event.message)
        case _:
            _change_after_stripe(row, event)


def _change_after_stripe(row: PaymentRow, event: IntentEvent) -> None:
    match event:
        case PaymentIntentCreated():
            row.stripe_payment_intent_id = event.intent_id
            if row.status == PaymentStatus.PENDING.value:
                row.status = event.status.value
        case PaymentActionRequired():
            action = ActionColumn(type=event.action_type, redirect_url=event.redirect_url)
            _move(row, PaymentStatus.REQUIRES_ACTION, action=action)
        case PaymentProcessing():
            _move(row, PaymentStatus.PROCESSING)
        case PaymentAuthorized():
            row.amount_capturable_cents = event.amount.amount_cents
            row.capture_before = None if event.capture_before is None else _moment(event.capture_before)
            _move(row, PaymentStatus.REQUIRES_CAPTURE)
        case PaymentAttemptFailed():
            _move(row, PaymentStatus.REQUIRES_PAYMENT_METHOD, error=_error(event))
        case PaymentSucceeded() | PaymentFailed() | PaymentCanceled():
            _end(row, event)
        case _:
            assert_never(event)


def _end(row: PaymentRow, event: PaymentSucceeded | PaymentFailed | PaymentCanceled) -> None:
    row.amount_capturable_cents, row.capture_before = 0, None
    match event:
        case PaymentSucceeded():
            row.amount_captured_cents = event.amount_captured.amount_cents
            _move(row, PaymentStatus.SUCCEEDED)
        case PaymentFailed():
            _move(row, PaymentStatus.FAILED, error=_error(event))
        case PaymentCanceled():
            _move(row, PaymentStatus.CANCELED, error=row.last_error)
        case _:
            assert_never(event)


def _move(
    row: PaymentRow,
    status: PaymentStatus,
    *,
    error: ErrorColumn | None = None,
    action: ActionColumn | None = None,
) -> None:
    """Give the row a status. What the payer was to do, or what went wrong before, is over unless given."""
    row.status, row.last_error, row.next_action = status.value, error, action


def _error(event: PaymentAttemptFailed | PaymentFailed) -> ErrorColumn:
    return ErrorColumn(code=event.code, decline_code=event.decline_code, message=event.message)


def _change_refund(row: PaymentRow, event: RefundEvent, recorded: RecordedEvent) -> None:
    if isinstance(event, RefundRequested | RefundFound):
        _begin_refund(row, event, recorded)
        return
    if all(refund.refund_id != event.refund_id for refund in row.refunds):
        raise MisplacedEvent(projection=NAME, event_type=recorded.type, position=recorded.position)
    row.refunds = tuple(
        _with_outcome(refund, event) if refund.refund_id == event.refund_id else refund for refund in row.refunds
    )
    succeeded = (each.amount_cents for each in row.refunds if each.status == RefundStatus.SUCCEEDED.value)
    row.amount_refunded_cents = sum(succeeded)


def _begin_refund(row: PaymentRow, event: RefundRequested | RefundFound, recorded: RecordedEvent) -> None:
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
        row.refunds = (*row.refunds, refund)
        return
    # It was recorded as failed, and Stripe has it after all.
    again = replace(refund, created_at=known.created_at)
    row.refunds = tuple(again if each is known else each for each in row.refunds)


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


def _change_dispute(row: PaymentRow, event: DisputeEvent) -> None:
    """Show the dispute that was opened last; the timeline has the others."""
    if isinstance(event, DisputeOpened):
        row.dispute = DisputeColumn(
            id=event.dispute_id,
            status=event.status,
            reason=event.reason,
            amount_cents=event.amount.amount_cents,
            currency=event.amount.currency,
            evidence_due_by=_due_by(event.evidence_due_by),
            funds=DisputeFunds.NONE.value,
        )
    elif row.dispute is not None and row.dispute.id == event.dispute_id:
        row.dispute = _contested(row.dispute, event)


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


def _change_contradictions(row: PaymentRow, event: ContradictionEvent) -> None:
    """Show the open ones; the timeline has the others."""
    key = (event.object_id, event.status)
    others = tuple(each for each in row.contradictions if (each.stripe_id, each.status) != key)
    if isinstance(event, PaymentContradictionResolved):
        row.contradictions = others
        return
    contradiction = ContradictionElement(
        stripe_id=event.object_id,
        status=event.status,
        reason=event.reason,
        amount_cents=None if event.amount is None else event.amount.amount_cents,
        currency=None if event.amount is None else event.amount.currency,
    )
    row.contradictions = (*others, contradiction)


def _due_by(unix_s: int | None) -> str | None:
    return None if unix_s is None else timestamp(_moment(unix_s))


def _moment(unix_s: int) -> datetime:
    return datetime.fromtimestamp(unix_s, UTC)
