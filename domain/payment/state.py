"""What a payment is now: the fold of its events. Only ``evolve`` makes one."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from domain.ids import (
    AttemptId,
    CustomerId,
    DisputeId,
    EventId,
    MerchantId,
    PaymentId,
    RefundId,
    RequestId,
    SplitPaymentId,
    StripeChargeId,
    StripeIntentId,
    StripeObjectId,
    StripeRefundId,
    UserId,
)
from domain.money import Money
from domain.payment.values import (
    CaptureMethod,
    DisputeFunds,
    DisputeStatus,
    PaymentStatus,
    RefundReason,
    RefundStatus,
)

TERMINAL = frozenset({PaymentStatus.SUCCEEDED, PaymentStatus.CANCELED, PaymentStatus.FAILED})
"""A payment never leaves these; refunds and disputes happen beside them."""

NOT_PROCESSED = "not_processed"
"""The code of a failure that we concluded: Stripe answered with an error of its own, and has no such object."""

APPEALS = frozenset({DisputeStatus.APPEAL_NEEDS_RESPONSE, DisputeStatus.APPEAL_UNDER_REVIEW})
"""A lost dispute that we appealed."""

CONTESTED = APPEALS | {DisputeStatus.NEEDS_RESPONSE, DisputeStatus.UNDER_REVIEW, DisputeStatus.LOST}
"""The bank has the money back, or demands it: Stripe refunds no such charge. Inquiries are not among them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LastError:
    """A refusal by Stripe. ``decline_code`` is the card issuer's, where it gave one."""

    code: str
    decline_code: str | None
    message: str


@dataclass(frozen=True, kw_only=True, slots=True)
class NextAction:
    """What the customer has to do.

    https://docs.stripe.com/api/payment_intents/object#payment_intent_object-next_action
    """

    type: str
    redirect_url: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class CaptureRequest:
    """A capture whose outcome is open."""

    request_id: RequestId
    amount: Money


@dataclass(frozen=True, kw_only=True, slots=True)
class CancelRequest:
    """A cancellation whose outcome is open."""

    request_id: RequestId
    reason: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Refund:
    """One refund.

    Pending or succeeded, it holds its amount; ``stripe_refund_id`` is None until Stripe knows it.
    """

    refund_id: RefundId
    amount: Money
    status: RefundStatus
    reason: RefundReason | None
    stripe_refund_id: StripeRefundId | None
    error: LastError | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Dispute:
    """One dispute. ``amount`` may be in another currency than the payment."""

    dispute_id: DisputeId
    charge_id: StripeChargeId
    amount: Money
    reason: str
    status: DisputeStatus
    evidence_due_by: int | None
    """In Unix seconds."""
    funds: DisputeFunds
    appealed: bool
    """It was lost once, and that was appealed."""
    outstanding: Money
    """What the bank has of it or demands, less what it gave back."""
    times_withdrawn: int = 0
    times_reinstated: int = 0

    @property
    def is_contested(self) -> bool:
        """Whether the bank has the money back, or demands it."""
        return self.status in CONTESTED


@dataclass(frozen=True, kw_only=True, slots=True)
class Contradiction:
    """What Stripe said of one of its objects, in one status of it, against what is recorded."""

    object_id: StripeObjectId
    status: str
    reason: str
    amount: Money | None
    charge_id: StripeChargeId | None
    refund_id: RefundId | None
    open: bool = True
    accepted: bool = False
    """An operator accepted what Stripe says."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PaymentState:
    """A payment. Always: refunds known to Stripe <= captured <= authorized <= amount.

    Refunds requested here fit as well, unless others were made at Stripe itself meanwhile.
    """

    payment_id: PaymentId
    merchant_id: MerchantId
    user_id: UserId
    amount: Money
    status: PaymentStatus
    intent_id: StripeIntentId | None
    charge_id: StripeChargeId | None
    payment_method: str | None
    capture_method: CaptureMethod
    description: str | None
    metadata: Mapping[str, str]
    customer: CustomerId | None
    statement_descriptor_suffix: str | None
    idempotency_key: str
    amount_authorized: Money
    amount_capturable: Money
    amount_captured: Money
    capture_before: int | None
    """When the hold ends, in Unix seconds; None when nothing is held."""
    refunds: Mapping[RefundId, Refund]
    disputes: Mapping[DisputeId, Dispute]
    """By Stripe's id, in the order in which they became known."""
    last_error: LastError | None
    """Why the request whose outcome became known last did not work, as clients see it.

    None from a confirmation or a capture on, until that has its outcome, so that nobody takes the one before for it. A
    cancellation leaves a decline, which is why the payment is unpaid, and forgets what was refused otherwise.
    """
    last_failure: LastError | None
    """Why the last attempt that failed did, whatever was requested since: a failure without an id is known by it."""
    failed_cancellations: Mapping[RequestId, LastError]
    next_action: NextAction | None
    confirmation_requested: bool
    """A charge was requested, with the payment or by a confirmation, and has no outcome yet."""
    capture_requested: CaptureRequest | None
    cancel_requested: CancelRequest | None
    requests_seen: frozenset[RequestId]
    """All captures and cancellations ever requested: one that comes again leads to no event."""
    attempts_failed: frozenset[AttemptId]
    actions_seen: frozenset[NextAction]
    processing_seen: bool
    tasks_given_up: frozenset[EventId]
    """By the event that requested the call."""
    contradictions: Mapping[tuple[StripeObjectId, str], Contradiction]
    """By Stripe's id of the object and its status there, in the order in which they became known."""
    intents_undone: frozenset[StripeIntentId]
    """Intents that appeared at Stripe after the payment had failed, and were undone. None of them is ``intent_id``."""
    split_payment_id: SplitPaymentId | None
    """The split payment that it is a leg of: only that captures, cancels or refunds it."""

    @property
    def may_appear(self) -> bool:
        """Whether it failed only because Stripe did not have it: should it appear there after all, it is undone."""
        was_not_found = self.last_error is not None and self.last_error.code == NOT_PROCESSED
        return self.status is PaymentStatus.FAILED and self.intent_id is None and was_not_found

    @property
    def amount_refunded(self) -> Money:
        """What was refunded to the customer."""
        return self._refunds_in(RefundStatus.SUCCEEDED)

    @property
    def amount_refund_pending(self) -> Money:
        """What pending refunds reserve."""
        return self._refunds_in(RefundStatus.PENDING)

    @property
    def open_contradictions(self) -> tuple[Contradiction, ...]:
        """Contradictions that were neither accepted nor withdrawn by Stripe."""
        return tuple(each for each in self.contradictions.values() if each.open)

    @property
    def amount_refundable(self) -> Money:
        """The most that a new refund may request."""
        gone = self.amount_refunded + self.amount_refund_pending
        return self.amount_captured - min(gone, self.amount_captured)

    @property
    def amount_refunded_at_stripe(self) -> Money:
        """The amount of all refunds that Stripe knows and that did not fail."""
        known = (each for each in self.refunds.values() if each.stripe_refund_id is not None)
        return self._sum(each.amount for each in known if each.status is not RefundStatus.FAILED)

    @property
    def amount_disputed(self) -> Money:
        """What the payer's bank has back or demands; disputes in another currency are not counted."""
        amounts = (each.outstanding for each in self.disputes.values() if each.is_contested)
        return self._sum(each for each in amounts if each.currency == self.amount.currency)

    @property
    def is_terminal(self) -> bool:
        """Whether the status can never change again."""
        return self.status in TERMINAL

    def _refunds_in(self, status: RefundStatus) -> Money:
        return self._sum(refund.amount for refund in self.refunds.values() if refund.status is status)

    def _sum(self, amounts: Iterable[Money]) -> Money:
        return sum(amounts, start=Money.zero(self.amount.currency))
