"""Which events follow from a command. What follows from the legs is in ``step``.

Pure: the same state and command give the same events. No events means that there is nothing new; a DomainError means
no.
"""

from typing import assert_never

from domain.ids import UserId
from domain.money import AmountNotRepresentable, AmountTooLarge, AmountTooSmall, Money, check_representable
from domain.payment.commands import RequestPayment
from domain.payment.errors import InvalidPaymentRequest
from domain.payment.requests import request_payment
from domain.payment.values import CaptureMethod
from domain.saga.commands import GiveUpSaga, OperatorCommand, RetryCompensation
from domain.split_payment.commands import (
    CancelSplitPayment,
    Leg,
    RefundSplitPayment,
    RequestSplitPayment,
    SplitPaymentCommand,
)
from domain.split_payment.errors import (
    InvalidSplitPayment,
    SplitPaymentAlreadyExists,
    SplitPaymentNotCancelable,
    SplitPaymentNotRefundable,
    SplitPaymentNotStuck,
    SplitPaymentUnknown,
    SplitRefundExceedsRefundable,
)
from domain.split_payment.events import (
    CompensationRetried,
    RequestedLeg,
    RequestedPart,
    SplitPaymentCancelRequested,
    SplitPaymentEvent,
    SplitPaymentGivenUp,
    SplitPaymentRequested,
    SplitRefundRequested,
)
from domain.split_payment.policy import POLICY
from domain.split_payment.spread import spread
from domain.split_payment.state import RELEASED, SplitPaymentState
from domain.split_payment.values import SplitPaymentStatus

MIN_LEGS = 2
MAX_LEGS = 20
MIN_EXPIRES_IN_SECONDS = 10
MAX_EXPIRES_IN_SECONDS = 7 * 24 * 3600
"""As long as most holds last: https://docs.stripe.com/payments/place-a-hold-on-a-payment-method."""

_REFUNDABLE = frozenset({SplitPaymentStatus.COMPLETED, SplitPaymentStatus.GIVEN_UP})
_NOT_ANY_MORE = {
    SplitPaymentStatus.CAPTURING: "Its legs are being captured: refund it once it is completed",
    SplitPaymentStatus.COMPLETED: "It is completed: refund it instead",
}


def decide(state: SplitPaymentState | None, command: SplitPaymentCommand) -> tuple[SplitPaymentEvent, ...]:
    """Return the events to append, in one append. Raises a subclass of DomainError."""
    if isinstance(command, RequestSplitPayment):
        if state is not None:
            raise SplitPaymentAlreadyExists(split_payment_id=state.split_payment_id)
        return (_request(command),)
    if state is None:
        raise SplitPaymentUnknown
    match command:
        case CancelSplitPayment():
            return _cancel(state, command)
        case RefundSplitPayment():
            return _refund(state, command)
        case _:
            return _operate(state, command)


def leg_request(split: RequestSplitPayment, leg: Leg, number: int) -> RequestPayment:
    """Return the command that opens the payment of a leg, the ``number``-th."""
    return RequestPayment(
        payment_id=leg.payment_id,
        merchant_id=split.merchant_id,
        user_id=leg.user_id,
        amount=leg.amount,
        payment_method=leg.payment_method,
        confirm=True,
        capture_method=CaptureMethod.MANUAL,
        metadata=leg.metadata,
        idempotency_key=f"{split.split_payment_id}-{number}",
        split_payment_id=split.split_payment_id,
    )


def _request(command: RequestSplitPayment) -> SplitPaymentRequested:
    if not MIN_LEGS <= len(command.legs) <= MAX_LEGS:
        raise InvalidSplitPayment("legs", f"must be from {MIN_LEGS} to {MAX_LEGS}")
    if not MIN_EXPIRES_IN_SECONDS <= command.expires_in_seconds <= MAX_EXPIRES_IN_SECONDS:
        raise InvalidSplitPayment(
            "expires_in_seconds", f"must be from {MIN_EXPIRES_IN_SECONDS} to {MAX_EXPIRES_IN_SECONDS}"
        )
    for number, leg in enumerate(command.legs):
        if leg.amount.currency != command.currency:
            raise InvalidSplitPayment(f"legs.{number}.currency", "must be that of the split payment")
        try:
            request_payment(leg_request(command, leg, number))
        except InvalidPaymentRequest as error:
            raise _invalid(error, within=f"legs.{number}.") from None
        except (AmountTooSmall, AmountTooLarge, AmountNotRepresentable) as error:
            error.field = f"legs.{number}.{error.field}"
            raise
    _check_own(command)
    return SplitPaymentRequested(
        split_payment_id=command.split_payment_id,
        merchant_id=command.merchant_id,
        user_id=command.user_id,
        amount=sum((leg.amount for leg in command.legs), start=Money.zero(command.currency)),
        legs=tuple(
            RequestedLeg(
                payment_id=leg.payment_id,
                user_id=leg.user_id,
                amount=leg.amount,
                payment_method=leg.payment_method,
                metadata=dict(leg.metadata),
            )
            for leg in command.legs
        ),
        metadata=dict(command.metadata),
        idempotency_key=command.idempotency_key,
        expires_at=int(command.now) + command.expires_in_seconds,
    )


def _check_own(command: RequestSplitPayment) -> None:
    """Check what the split payment says of itself by the rules of a payment."""
    first = command.legs[0]
    own = Leg(
        payment_id=first.payment_id,
        user_id=UserId(command.user_id),
        amount=first.amount,
        payment_method=first.payment_method,
        metadata=command.metadata,
    )
    try:
        request_payment(leg_request(command, own, 0))
    except InvalidPaymentRequest as error:
        raise _invalid(error) from None


def _invalid(error: InvalidPaymentRequest, *, within: str = "") -> InvalidSplitPayment:
    rule = str(error).removeprefix(f"{error.field} ").removesuffix(".")
    return InvalidSplitPayment(f"{within}{error.field}", rule)


def _cancel(state: SplitPaymentState, command: CancelSplitPayment) -> tuple[SplitPaymentEvent, ...]:
    if state.status is SplitPaymentStatus.AUTHORIZING and not state.cancel_requested:
        return (SplitPaymentCancelRequested(reason=command.reason),)
    reason = _NOT_ANY_MORE.get(state.status, "It is being taken back already, or that is done")
    raise SplitPaymentNotCancelable(split_payment_id=state.split_payment_id, status=state.status, reason=reason)


def _refund(state: SplitPaymentState, command: RefundSplitPayment) -> tuple[SplitPaymentEvent, ...]:
    if command.refund_id in state.refunds:
        return ()
    if state.status not in _REFUNDABLE:
        raise SplitPaymentNotRefundable(
            split_payment_id=state.split_payment_id,
            status=state.status,
            reason="Only a split payment that is completed can be refunded",
        )
    amount = state.amount_refundable if command.amount is None else command.amount
    if amount > state.amount_refundable or not state.amount_refundable.amount_cents:
        raise SplitRefundExceedsRefundable(
            split_payment_id=state.split_payment_id, requested=command.amount, refundable=state.amount_refundable
        )
    check_representable(amount)
    part_ids = dict(zip(state.legs, command.part_ids, strict=True))
    parts = spread(amount, {each: state.refundable(each) for each in state.legs})
    return (
        SplitRefundRequested(
            refund_id=command.refund_id,
            amount=amount,
            reason=command.reason,
            parts=tuple(
                RequestedPart(payment_id=payment_id, refund_id=part_ids[payment_id], amount=part)
                for payment_id, part in parts.items()
            ),
        ),
    )


def _operate(state: SplitPaymentState, command: OperatorCommand) -> tuple[SplitPaymentEvent, ...]:
    for field, text in (("actor", command.actor), ("reason", command.reason)):
        if not text.strip():
            raise InvalidSplitPayment(field, "must not be empty")
    if not state.is_taken_back:
        raise SplitPaymentNotStuck(
            split_payment_id=state.split_payment_id, status=state.status, reason="Nothing is being taken back"
        )
    match command:
        case RetryCompensation():
            stuck_at = int(command.now + POLICY.stuck_after_s)
            return (CompensationRetried(actor=command.actor, reason=command.reason, stuck_at=stuck_at),)
        case GiveUpSaga():
            left = tuple(leg.payment_id for leg in state.legs.values() if leg.status not in RELEASED)
            return (SplitPaymentGivenUp(actor=command.actor, reason=command.reason, payment_ids=left),)
        case _:
            assert_never(command)
