"""The state after events. There are no rules here: what is in the stream happened.

Raises BrokenHistory only for a history that no decision can have made.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import assert_never

from domain.money import Money
from domain.payment.errors import BrokenHistory
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
    PaymentContradicted,
    PaymentContradictionResolved,
    PaymentEvent,
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
    TaskGivenUp,
    TaskOutcomeUnknown,
    TaskRetried,
    TaskUndone,
)
from domain.payment.state import (
    APPEALS,
    CancelRequest,
    CaptureRequest,
    Contradiction,
    Dispute,
    LastError,
    NextAction,
    PaymentState,
    Refund,
)
from domain.payment.values import DisputeFunds, DisputeStatus, PaymentStatus, RefundStatus
from domain.personal_data import PersonalDataErased, without_members, without_text


def fold(events: Iterable[PaymentEvent], state: PaymentState | None = None) -> PaymentState | None:
    """Return the state after ``events``, starting from ``state``; None if there is no payment yet."""
    for event in events:
        state = evolve(state, event)
    return state


def evolve(state: PaymentState | None, event: PaymentEvent) -> PaymentState:  # noqa: PLR0911 - one line per kind
    """Return the state after one more event."""
    if isinstance(event, PaymentRequested):
        if state is not None:
            raise BrokenHistory(f"Payment {state.payment_id} was requested twice.")
        return _requested(event)
    if state is None:
        raise BrokenHistory(f"{type(event).__name__} comes before PaymentRequested.")
    if isinstance(event, IntentEvent):
        return _after_intent_event(state, event)
    if isinstance(event, RequestEvent):
        return _after_request_event(state, event)
    if isinstance(event, RefundEvent):
        return _after_refund_event(state, event)
    if isinstance(event, DisputeEvent):
        return _after_dispute_event(state, event)
    if isinstance(event, ContradictionEvent):
        return _after_contradiction_event(state, event)
    if isinstance(event, PersonalDataErased):
        return replace(
            state,
            description=without_text(state.description, "/description", event.fields),
            metadata=without_members(state.metadata, "/metadata", event.fields),
        )
    return _after_task_event(state, event)


def _requested(event: PaymentRequested) -> PaymentState:
    nothing = Money.zero(event.amount.currency)
    return PaymentState(
        payment_id=event.payment_id,
        merchant_id=event.merchant_id,
        user_id=event.user_id,
        amount=event.amount,
        status=PaymentStatus.PENDING,
        intent_id=None,
        charge_id=None,
        payment_method=event.payment_method,
        capture_method=event.capture_method,
        description=event.description,
        metadata=event.metadata,
        customer=event.customer,
        statement_descriptor_suffix=event.statement_descriptor_suffix,
        idempotency_key=event.idempotency_key,
        amount_authorized=nothing,
        amount_capturable=nothing,
        amount_captured=nothing,
        capture_before=None,
        refunds={},
        disputes={},
        last_error=None,
        last_failure=None,
        failed_cancellations={},
        next_action=None,
        confirmation_requested=event.confirm,
        capture_requested=None,
        cancel_requested=None,
        requests_seen=frozenset(),
        attempts_failed=frozenset(),
        actions_seen=frozenset(),
        processing_seen=False,
        tasks_given_up=frozenset(),
        contradictions={},
        intents_undone=frozenset(),
        split_payment_id=event.split_payment_id,
    )


def _after_intent_event(state: PaymentState, event: IntentEvent) -> PaymentState:
    match event:
        case PaymentIntentCreated():
            status = event.status if state.status is PaymentStatus.PENDING else state.status
            return replace(state, intent_id=event.intent_id, status=status)
        case PaymentActionRequired():
            action = NextAction(type=event.action_type, redirect_url=event.redirect_url)
            return replace(
                state,
                status=PaymentStatus.REQUIRES_ACTION,
                next_action=action,
                actions_seen=state.actions_seen | {action},
                confirmation_requested=False,
                last_error=None,
            )
        case PaymentProcessing():
            return replace(
                state,
                status=PaymentStatus.PROCESSING,
                processing_seen=True,
                next_action=None,
                confirmation_requested=False,
                last_error=None,
            )
        case PaymentAttemptFailed():
            return replace(
                state,
                status=PaymentStatus.REQUIRES_PAYMENT_METHOD,
                attempts_failed=state.attempts_failed | {event.attempt_id},
                next_action=None,
                confirmation_requested=False,
                last_error=_error(event),
                last_failure=_error(event),
            )
        case PaymentAuthorized():
            return replace(
                state,
                status=PaymentStatus.REQUIRES_CAPTURE,
                charge_id=event.charge_id,
                amount_authorized=event.amount,
                amount_capturable=event.amount,
                capture_before=event.capture_before,
                next_action=None,
                confirmation_requested=False,
                last_error=None,
            )
        case PaymentSucceeded() | PaymentFailed() | PaymentCanceled():
            return _ended(state, event)
        case _:
            assert_never(event)


def _ended(state: PaymentState, event: PaymentSucceeded | PaymentFailed | PaymentCanceled) -> PaymentState:
    ended = replace(
        state,
        amount_capturable=Money.zero(state.amount.currency),
        capture_before=None,
        next_action=None,
        confirmation_requested=False,
        capture_requested=None,
        cancel_requested=None,
    )
    match event:
        case PaymentSucceeded():
            return replace(
                ended,
                status=PaymentStatus.SUCCEEDED,
                charge_id=event.charge_id,
                # Automatic capture has no authorization of its own: what was taken was authorized.
                amount_authorized=max(state.amount_authorized, event.amount_captured),
                amount_captured=event.amount_captured,
                last_error=None,
            )
        case PaymentFailed():
            return replace(ended, status=PaymentStatus.FAILED, last_error=_error(event))
        case PaymentCanceled():
            return replace(ended, status=PaymentStatus.CANCELED)
        case _:
            assert_never(event)


def _after_request_event(state: PaymentState, event: RequestEvent) -> PaymentState:
    match event:
        case PaymentConfirmationRequested():
            return replace(state, confirmation_requested=True, payment_method=event.payment_method, last_error=None)
        case PaymentCaptureRequested():
            return replace(
                state,
                capture_requested=CaptureRequest(request_id=event.request_id, amount=event.amount),
                last_error=None,
                requests_seen=state.requests_seen | {event.request_id},
            )
        case PaymentCaptureFailed():
            return replace(state, capture_requested=None, last_error=_error(event))
        case PaymentCancelRequested():
            return replace(
                state,
                cancel_requested=CancelRequest(request_id=event.request_id, reason=event.reason),
                last_error=state.last_error if state.status is PaymentStatus.REQUIRES_PAYMENT_METHOD else None,
                requests_seen=state.requests_seen | {event.request_id},
            )
        case PaymentCancelFailed():
            error = _error(event)
            failed = {**state.failed_cancellations, event.request_id: error}
            return replace(state, cancel_requested=None, last_error=error, failed_cancellations=failed)
        case _:
            assert_never(event)


def _after_refund_event(state: PaymentState, event: RefundEvent) -> PaymentState:
    if isinstance(event, RefundRequested | RefundFound):
        refund = Refund(
            refund_id=event.refund_id,
            amount=event.amount,
            status=RefundStatus.PENDING,
            reason=event.reason,
            stripe_refund_id=event.stripe_refund_id if isinstance(event, RefundFound) else None,
            error=None,
        )
        return replace(state, refunds={**state.refunds, event.refund_id: refund})
    before = state.refunds.get(event.refund_id)
    if before is None:
        raise BrokenHistory(f"{type(event).__name__} comes before RefundRequested of {event.refund_id}.")
    return replace(state, refunds={**state.refunds, event.refund_id: _refund_after(before, event)})


def _refund_after(refund: Refund, event: RefundPending | RefundSucceeded | RefundFailed) -> Refund:
    match event:
        case RefundPending():
            return replace(refund, stripe_refund_id=event.stripe_refund_id)
        case RefundSucceeded():
            return replace(refund, status=RefundStatus.SUCCEEDED, stripe_refund_id=event.stripe_refund_id)
        case RefundFailed():
            return replace(
                refund,
                status=RefundStatus.FAILED,
                stripe_refund_id=event.stripe_refund_id,
                error=LastError(code=event.code, decline_code=None, message=event.message),
            )
        case _:
            assert_never(event)


def _after_dispute_event(state: PaymentState, event: DisputeEvent) -> PaymentState:
    if isinstance(event, DisputeOpened):
        dispute = Dispute(
            dispute_id=event.dispute_id,
            charge_id=event.charge_id,
            amount=event.amount,
            reason=event.reason,
            status=DisputeStatus(event.status),
            evidence_due_by=event.evidence_due_by,
            funds=DisputeFunds.NONE,
            appealed=event.status in APPEALS,
            outstanding=event.amount,
        )
        return replace(state, disputes={**state.disputes, event.dispute_id: dispute})
    before = state.disputes.get(event.dispute_id)
    if before is None:
        raise BrokenHistory(f"{type(event).__name__} comes before DisputeOpened of {event.dispute_id}.")
    return replace(state, disputes={**state.disputes, event.dispute_id: _dispute_after(before, event)})


def _dispute_after(
    dispute: Dispute,
    event: DisputeUpdated | DisputeFundsWithdrawn | DisputeFundsReinstated | DisputeClosed,
) -> Dispute:
    match event:
        case DisputeUpdated():
            return replace(
                dispute,
                status=DisputeStatus(event.status),
                evidence_due_by=event.evidence_due_by,
                appealed=dispute.appealed or event.status in APPEALS,
            )
        case DisputeFundsWithdrawn():
            times = dispute.times_withdrawn + 1
            appealed = dispute.appealed and times == 1  # after a second withdrawal it may be appealed again
            return replace(
                dispute,
                funds=DisputeFunds.WITHDRAWN,
                times_withdrawn=times,
                appealed=appealed,
                outstanding=event.amount,
            )
        case DisputeFundsReinstated():
            return replace(
                dispute,
                funds=DisputeFunds.REINSTATED,
                times_reinstated=dispute.times_reinstated + 1,
                outstanding=_less(dispute.outstanding, event.amount),
            )
        case DisputeClosed():
            return replace(dispute, status=DisputeStatus(event.status))
        case _:
            assert_never(event)


def _less(outstanding: Money, given_back: Money) -> Money:
    if given_back.currency != outstanding.currency:
        return Money.zero(outstanding.currency)
    return outstanding - min(given_back, outstanding)


def _after_task_event(state: PaymentState, event: TaskEvent) -> PaymentState:
    match event:
        case TaskOutcomeUnknown() | TaskRetried():
            return state  # for the record only
        case TaskGivenUp():
            return replace(state, tasks_given_up=state.tasks_given_up | {event.event_id})
        case TaskUndone():
            return replace(state, intents_undone=state.intents_undone | {event.intent_id})
        case _:
            assert_never(event)


def _after_contradiction_event(state: PaymentState, event: ContradictionEvent) -> PaymentState:
    key = (event.object_id, event.status)
    match event:
        case PaymentContradicted():
            now = Contradiction(
                object_id=event.object_id,
                status=event.status,
                reason=event.reason,
                amount=event.amount,
                charge_id=event.charge_id,
                refund_id=event.refund_id,
            )
        case PaymentContradictionResolved():
            before = state.contradictions.get(key)
            if before is None:
                raise BrokenHistory(f"{type(event).__name__} comes before PaymentContradicted of {event.object_id}.")
            now = replace(before, open=False, accepted=event.actor is not None)
        case _:
            assert_never(event)
    # One that Stripe says again comes last.
    others = {each: it for each, it in state.contradictions.items() if each != key}
    return replace(state, contradictions={**others, key: now})


def _error(
    event: PaymentAttemptFailed | PaymentFailed | PaymentCaptureFailed | PaymentCancelFailed,
) -> LastError:
    decline_code = event.decline_code if isinstance(event, PaymentAttemptFailed | PaymentFailed) else None
    return LastError(code=event.code, decline_code=decline_code, message=event.message)
