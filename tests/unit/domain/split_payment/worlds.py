"""A split payment with its legs and a Stripe that answers as it likes, for tests that try every order of things.

A world is immutable; `moves` names what can happen next, and each is a function from world to world. The saga's own
step is one of them, so it may come late, or twice; what a crash undoes is a step that did not happen.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import count
from uuid import UUID

from domain.errors import DomainError
from domain.ids import (
    AttemptId,
    MerchantId,
    PaymentId,
    RefundId,
    SplitPaymentId,
    StripeChargeId,
    StripeIntentId,
    StripeRefundId,
    UserId,
)
from domain.payment.commands import ConfirmPayment
from domain.payment.decide import decide as decide_payment
from domain.payment.evolve import fold as fold_payment
from domain.payment.observations import (
    PaymentObservation,
    RecordActionRequired,
    RecordAttemptFailed,
    RecordAuthorized,
    RecordCanceled,
    RecordCancelFailed,
    RecordCaptureFailed,
    RecordPaymentFailed,
    RecordRefundFailed,
    RecordRefundSucceeded,
    RecordSucceeded,
)
from domain.payment.state import PaymentState
from domain.payment.values import PaymentStatus, RefundStatus
from domain.saga.commands import GiveUpSaga, RetryCompensation
from domain.split_payment.commands import (
    CancelSplitPayment,
    Leg,
    RefundSplitPayment,
    RequestSplitPayment,
    SplitPaymentCommand,
)
from domain.split_payment.decide import decide
from domain.split_payment.evolve import fold
from domain.split_payment.state import SplitPaymentState
from domain.split_payment.step import step
from domain.split_payment.values import SplitPaymentStatus
from tests.unit.domain.payment_builders import usd

START = 1_000_000.0
SPLIT_PAYMENT_ID = SplitPaymentId(UUID(int=0x500))

Moves = Mapping[str, Callable[[], "World"]]


def leg_id(number: int) -> PaymentId:
    return PaymentId(UUID(int=0x600 + number))


def a_split_request(legs: int = 2, *, expires_in_seconds: int = 600, cents: int = 10_00) -> RequestSplitPayment:
    return RequestSplitPayment(
        split_payment_id=SPLIT_PAYMENT_ID,
        merchant_id=MerchantId("merchant_1"),
        user_id=UserId("user_1"),
        currency="USD",
        legs=tuple(
            Leg(payment_id=leg_id(number), user_id=UserId(f"guest_{number}"), amount=usd(cents), payment_method="pm_1")
            for number in range(legs)
        ),
        idempotency_key="key_1",
        expires_in_seconds=expires_in_seconds,
        now=START,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Stripe:
    """How often it may still spoil things, for each leg."""

    declines: int = 0
    actions: int = 0
    refused_for_good: bool = True
    refused_captures: bool = True
    refused_cancellations: int = 0
    failed_refunds: int = 0
    ended_holds: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class World:
    state: SplitPaymentState
    legs: Mapping[PaymentId, PaymentState | None]
    stripe: Mapping[PaymentId, Stripe]
    now: float = START
    due_at: float | None = START
    operators: int = 0
    """How often an operator may still act."""

    @classmethod
    def of(cls, legs: int, stripe: Stripe, *, operators: int = 0) -> "World":
        state = fold(decide(None, a_split_request(legs)))
        assert state is not None
        return cls(
            state=state,
            legs=dict.fromkeys(state.legs),
            stripe=dict.fromkeys(state.legs, stripe),
            operators=operators,
        )

    def stepped(self) -> "World":
        """What the saga makes of it now."""
        outcome = step(self.state, self.legs, self.now)
        state = fold(outcome.events, self.state)
        assert state is not None
        legs = dict(self.legs)
        for payment_id, events in outcome.participants.items():
            legs[PaymentId(payment_id)] = fold_payment(events, legs[PaymentId(payment_id)])
        return replace(self, state=state, legs=legs, due_at=outcome.due_at)

    def commanded(self, command: SplitPaymentCommand) -> "World":
        """What a command makes of it; nothing when it is refused."""
        try:
            return replace(self, state=fold(decide(self.state, command), self.state))  # type: ignore[arg-type]
        except DomainError:
            return self

    def observed(self, payment_id: PaymentId, observed: PaymentObservation, **spent: object) -> "World":
        """What Stripe's word of a leg makes of it."""
        before = self.legs[payment_id]
        after = fold_payment(decide_payment(before, observed), before)
        stripe = replace(self.stripe[payment_id], **spent)  # type: ignore[arg-type]
        return replace(self, legs={**self.legs, payment_id: after}, stripe={**self.stripe, payment_id: stripe})

    def moves(self) -> Moves:
        """What can happen next."""
        moves: dict[str, Callable[[], World]] = {"step": self.stepped}
        if self.due_at is not None and self.due_at > self.now:
            due_at = self.due_at
            moves["timer"] = lambda: replace(self, now=due_at).stepped()
        if not self.state.cancel_requested:
            moves["cancel"] = lambda: self.commanded(CancelSplitPayment())
        if self.operators and self.state.is_taken_back:
            retry = RetryCompensation(actor="ops", reason="bank fixed it", now=self.now)
            moves["retry"] = lambda: replace(self, operators=self.operators - 1).commanded(retry)
            give_up = GiveUpSaga(actor="ops", reason="paid back by hand")
            moves["give_up"] = lambda: replace(self, operators=self.operators - 1).commanded(give_up)
        for number, payment_id in enumerate(self.legs):
            for name, move in self._of_leg(payment_id):
                moves[f"{name}:{number}"] = move
        return moves

    def _of_leg(self, payment_id: PaymentId) -> Iterator[tuple[str, Callable[[], "World"]]]:  # noqa: C901, PLR0912 - a list
        payment, left = self.legs[payment_id], self.stripe[payment_id]
        if payment is None:
            return
        at_stripe = _AtStripe(payment)

        def seen(observed: PaymentObservation, **spent: object) -> Callable[[], World]:
            return lambda: self.observed(payment_id, observed, **spent)

        if payment.confirmation_requested or payment.status is PaymentStatus.REQUIRES_ACTION:
            yield "authorized", seen(at_stripe.authorized())
            if left.declines:
                yield "declined", seen(at_stripe.declined(), declines=left.declines - 1)
            if left.actions and payment.status is not PaymentStatus.REQUIRES_ACTION:
                yield "action_required", seen(at_stripe.action_required(), actions=left.actions - 1)
            if left.refused_for_good and payment.status is PaymentStatus.PENDING:
                yield "failed", seen(RecordPaymentFailed(code="resource_missing", message="No such payment method."))
        may_confirm = payment.status is PaymentStatus.REQUIRES_PAYMENT_METHOD and not payment.confirmation_requested
        if may_confirm and payment.cancel_requested is None:
            yield "new_card", lambda: self._confirmed(payment_id)
        if payment.capture_requested is not None:
            yield "captured", seen(at_stripe.captured())
            if left.refused_captures:
                yield "capture_refused", seen(at_stripe.capture_refused())
        if payment.cancel_requested is not None:
            yield "canceled", seen(at_stripe.canceled())
            if left.refused_cancellations:
                spent = left.refused_cancellations - 1
                yield "cancel_refused", seen(at_stripe.cancel_refused(), refused_cancellations=spent)
        if left.ended_holds and payment.status is PaymentStatus.REQUIRES_CAPTURE:
            yield "hold_ended", seen(at_stripe.canceled())
        for refund in payment.refunds.values():
            if refund.status is RefundStatus.PENDING:
                yield "refunded", seen(at_stripe.refunded(refund.refund_id))
                if left.failed_refunds:
                    failed = at_stripe.refund_failed(refund.refund_id)
                    yield "refund_failed", seen(failed, failed_refunds=left.failed_refunds - 1)
            elif refund.status is RefundStatus.SUCCEEDED and left.failed_refunds:
                failed = at_stripe.refund_failed(refund.refund_id)
                yield "refund_returned", seen(failed, failed_refunds=left.failed_refunds - 1)

    def _confirmed(self, payment_id: PaymentId) -> "World":
        before = self.legs[payment_id]
        after = fold_payment(decide_payment(before, ConfirmPayment(payment_method="pm_2")), before)
        return replace(self, legs={**self.legs, payment_id: after})

    @property
    def captured(self) -> list[int]:
        """What each leg has of its customer's money at last."""
        found = []
        for payment in self.legs.values():
            has = (
                0 if payment is None else (payment.amount_captured.amount_cents - payment.amount_refunded.amount_cents)
            )
            found.append(has)
        return found

    @property
    def held(self) -> list[bool]:
        """Whether each leg still holds money."""
        return [
            payment is not None and payment.status is PaymentStatus.REQUIRES_CAPTURE for payment in self.legs.values()
        ]


WELL_BEHAVED = Stripe(refused_for_good=False, refused_captures=False)


def a_completed(legs: int = 3) -> World:
    """A split payment of which every leg is captured."""
    world = World.of(legs, WELL_BEHAVED).stepped()
    for what in ("authorized", "captured"):
        for number in range(legs):
            world = world.moves()[f"{what}:{number}"]()
        world = world.stepped()
    assert world.state.status is SplitPaymentStatus.COMPLETED
    return world


def a_refund(cents: int | None = None, *, number: int = 1, legs: int = 3) -> RefundSplitPayment:
    """A refund of 30.00 USD on three legs, or of a part of it."""
    return RefundSplitPayment(
        refund_id=RefundId(UUID(int=number)),
        part_ids=tuple(RefundId(UUID(int=100 * number + leg)) for leg in range(legs)),
        amount=None if cents is None else usd(cents),
    )


class _AtStripe:
    def __init__(self, payment: PaymentState) -> None:
        self._payment = payment
        self._intent = StripeIntentId(f"pi_{payment.payment_id.int:x}")
        self._charge = StripeChargeId(f"ch_{payment.payment_id.int:x}")

    def authorized(self) -> RecordAuthorized:
        return RecordAuthorized(intent_id=self._intent, amount=self._payment.amount, charge_id=self._charge)

    def declined(self) -> RecordAttemptFailed:
        attempt = next(
            name for number in count() if (name := AttemptId(f"a{number}")) not in self._payment.attempts_failed
        )
        return RecordAttemptFailed(
            intent_id=self._intent, attempt_id=attempt, code="card_declined", message="Declined."
        )

    def action_required(self) -> RecordActionRequired:
        return RecordActionRequired(intent_id=self._intent, action_type="redirect_to_url")

    def captured(self) -> RecordSucceeded:
        assert self._payment.capture_requested is not None
        return RecordSucceeded(
            intent_id=self._intent,
            amount_captured=self._payment.capture_requested.amount,
            charge_id=self._charge,
        )

    def capture_refused(self) -> RecordCaptureFailed:
        assert self._payment.capture_requested is not None
        request_id = self._payment.capture_requested.request_id
        return RecordCaptureFailed(request_id=request_id, code="charge_expired_for_capture", message="Too late.")

    def canceled(self) -> RecordCanceled:
        return RecordCanceled(intent_id=self._payment.intent_id)

    def cancel_refused(self) -> RecordCancelFailed:
        assert self._payment.cancel_requested is not None
        request_id = self._payment.cancel_requested.request_id
        return RecordCancelFailed(request_id=request_id, code="lock_timeout", message="Try again.")

    def refunded(self, refund_id: RefundId) -> RecordRefundSucceeded:
        return RecordRefundSucceeded(refund_id=refund_id, stripe_refund_id=_stripe_refund_id(refund_id))

    def refund_failed(self, refund_id: RefundId) -> RecordRefundFailed:
        return RecordRefundFailed(
            refund_id=refund_id,
            stripe_refund_id=_stripe_refund_id(refund_id),
            code="lost_or_stolen_card",
            message="The refund failed.",
        )


def _stripe_refund_id(refund_id: RefundId) -> StripeRefundId:
    return StripeRefundId(f"re_{refund_id.int:x}")
