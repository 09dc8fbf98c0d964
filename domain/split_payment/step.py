"""The process manager: one step of a split payment, from where its legs are to what is requested of them. Pure.

A step that is made again, at once or later, adds nothing: what was requested of a leg is known by its id in the leg's
own stream. All that a step appends is appended together or not at all, so a crash leaves no half of it.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import assert_never
from uuid import UUID

from domain.errors import DomainError
from domain.ids import PaymentId
from domain.payment.commands import CancelPayment, CapturePayment, PaymentCommand, RequestPayment, RequestRefund
from domain.payment.decide import decide as decide_payment
from domain.payment.errors import PaymentDisputed
from domain.payment.events import PaymentEvent
from domain.payment.evolve import fold as fold_payment
from domain.payment.requests import MAX_EXPIRES_IN_SECONDS, MIN_EXPIRES_IN_SECONDS
from domain.payment.state import PaymentState
from domain.payment.values import CaptureMethod, PaymentStatus
from domain.saga.step import Step
from domain.split_payment.events import RefundPartChanged, SplitPaymentEvent
from domain.split_payment.evolve import evolve
from domain.split_payment.legs import capture_id, next_cancellation, next_refund
from domain.split_payment.progress import (
    Legs,
    compensation_failed,
    hold_deadline,
    is_released,
    next_event,
    taken_back,
)
from domain.split_payment.state import RELEASED, LegState, SplitPaymentState
from domain.split_payment.values import CompensationReason, LegStatus, RefundPartStatus, SplitPaymentStatus

SplitPaymentStep = Step[SplitPaymentEvent, PaymentEvent]

_RELEASES_BY_ITSELF = frozenset({PaymentStatus.PROCESSING, PaymentStatus.CANCELED, PaymentStatus.FAILED})
"""Nothing can be requested of such a payment: a bank has to answer first, or it is over."""


def step(state: SplitPaymentState, legs: Legs, now: float) -> SplitPaymentStep:
    """Return what is to be appended now. ``now`` is in Unix seconds."""
    walk = _Walk(state, legs, now)
    is_moving = True
    while is_moving:
        walk.follow()
        is_moving = walk.request()
    return Step(events=tuple(walk.events), participants=walk.leg_events, due_at=_due_at(walk.state, walk.legs, now))


class _Walk:
    def __init__(self, state: SplitPaymentState, legs: Legs, now: float) -> None:
        self.state = state
        self.legs: dict[PaymentId, PaymentState | None] = dict(legs)
        self.now = now
        self.events: list[SplitPaymentEvent] = []
        self.leg_events: dict[UUID, tuple[PaymentEvent, ...]] = {}

    def follow(self) -> None:
        """Record what follows from the legs, until nothing more does."""
        while (event := next_event(self.state, self.legs, self.now)) is not None:
            self._record(event)

    def request(self) -> bool:
        """Request of the legs what the status asks for; return whether anything came of it."""
        before = (len(self.events), sum(map(len, self.leg_events.values())))
        self._request()
        return before != (len(self.events), sum(map(len, self.leg_events.values())))

    def _request(self) -> None:
        match self.state.status:
            case SplitPaymentStatus.AUTHORIZING:
                self._open_legs()
            case SplitPaymentStatus.CAPTURING:
                self._capture()
            case SplitPaymentStatus.COMPENSATING | SplitPaymentStatus.COMPENSATION_STUCK:
                for leg in self.state.legs.values():
                    self._take_back(leg)
            case SplitPaymentStatus.COMPLETED | SplitPaymentStatus.GIVEN_UP:
                self._refund()
            case SplitPaymentStatus.COMPENSATED:
                pass
            case _:
                assert_never(self.state.status)

    def _open_legs(self) -> None:
        for number, leg in enumerate(self.state.legs.values()):
            if self.legs[leg.payment_id] is None:
                refusal = self._command(leg.payment_id, self._opening(leg, number))
                if refusal is not None:  # the rules of payments became stricter since it was requested
                    refused = replace(leg, code=refusal.code, message=str(refusal))
                    self._record(taken_back(CompensationReason.LEG_FAILED, self.now, refused))
                    return

    def _opening(self, leg: LegState, number: int) -> RequestPayment:
        left_s = int(self.state.expires_at - self.now)
        return RequestPayment(
            payment_id=leg.payment_id,
            merchant_id=self.state.merchant_id,
            user_id=leg.user_id,
            amount=leg.amount,
            payment_method=leg.payment_method,
            confirm=True,
            capture_method=CaptureMethod.MANUAL,
            metadata=leg.metadata,
            idempotency_key=f"{self.state.split_payment_id}-{number}",
            expires_in_seconds=min(max(left_s, MIN_EXPIRES_IN_SECONDS), MAX_EXPIRES_IN_SECONDS),
            split_payment_id=self.state.split_payment_id,
        )

    def _capture(self) -> None:
        for leg in self.state.legs.values():
            if leg.status is LegStatus.AUTHORIZED:
                request_id = capture_id(leg.payment_id)
                command = CapturePayment(request_id=request_id, split_payment_id=self.state.split_payment_id)
                self._command(leg.payment_id, command)

    def _take_back(self, leg: LegState) -> None:
        payment = self.legs[leg.payment_id]
        if payment is None or leg.status is LegStatus.CONTRADICTED or leg.status in RELEASED or leg.retry_at > self.now:
            return
        command = self._compensation(payment)
        refusal = None if command is None else self._command(leg.payment_id, command)
        # A bank takes months to decide: that it has not yet is said once.
        is_known = leg.failed_as_disputed and isinstance(refusal, PaymentDisputed)
        if refusal is not None and not is_known:
            self._record(compensation_failed(leg, self.now, refusal.code, str(refusal)))

    def _compensation(self, payment: PaymentState) -> CancelPayment | RequestRefund | None:
        """Return what takes the payment back, or None while something is on its way."""
        split_payment_id = self.state.split_payment_id
        if payment.status is PaymentStatus.SUCCEEDED:
            if not payment.amount_refundable.amount_cents:
                return None
            return RequestRefund(refund_id=next_refund(payment), split_payment_id=split_payment_id)
        is_under_way = payment.capture_requested is not None or payment.cancel_requested is not None
        if payment.status in _RELEASES_BY_ITSELF or is_under_way:
            return None
        return CancelPayment(
            request_id=next_cancellation(payment),
            reason=self.state.cancellation_reason,
            split_payment_id=split_payment_id,
        )

    def _refund(self) -> None:
        for refund in self.state.refunds.values():
            for part in refund.parts:
                payment = self.legs[part.payment_id]
                if part.status is not RefundPartStatus.PENDING or payment is None or part.refund_id in payment.refunds:
                    continue
                command = RequestRefund(
                    refund_id=part.refund_id,
                    amount=part.amount,
                    reason=refund.reason,
                    split_payment_id=self.state.split_payment_id,
                )
                refusal = self._command(part.payment_id, command)
                if refusal is not None:
                    self._record(
                        RefundPartChanged(
                            refund_id=refund.refund_id,
                            payment_id=part.payment_id,
                            status=RefundPartStatus.FAILED,
                            code=refusal.code,
                            message=str(refusal),
                        )
                    )

    def _command(self, payment_id: PaymentId, command: PaymentCommand) -> DomainError | None:
        """Carry a command out on a leg; return why the leg refuses it, if so."""
        payment = self.legs[payment_id]
        try:
            events: Sequence[PaymentEvent] = decide_payment(payment, command)
        except DomainError as error:
            return error
        if events:
            self.legs[payment_id] = fold_payment(events, payment)
            self.leg_events[payment_id] = (*self.leg_events.get(payment_id, ()), *events)
        return None

    def _record(self, event: SplitPaymentEvent) -> None:
        self.events.append(event)
        self.state = evolve(self.state, event)


def _due_at(state: SplitPaymentState, legs: Legs, now: float) -> float | None:
    """Return when to look again though nothing new came."""
    moments: list[float | None] = []
    if state.status is SplitPaymentStatus.AUTHORIZING:
        moments = [state.expires_at, hold_deadline(state)]
    elif state.is_taken_back:
        left = (leg for leg in state.legs.values() if not is_released(leg, legs[leg.payment_id]))
        moments = [leg.retry_at for leg in left if leg.retry_at > now]
        if state.status is SplitPaymentStatus.COMPENSATING:
            moments.append(state.stuck_at)
    return min((each for each in moments if each is not None), default=None)
