"""A row of `read_model.payments`. Its fields are the table's columns, in the table's units and words."""

from dataclasses import dataclass
from datetime import datetime

from domain.ids import (
    CustomerId,
    DisputeId,
    MerchantId,
    PaymentId,
    RefundId,
    SplitPaymentId,
    StripeIntentId,
    StripeObjectId,
    StripeRefundId,
    UserId,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class ErrorColumn:
    """`last_error`: the last refusal by Stripe."""

    code: str
    decline_code: str | None
    message: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ActionColumn:
    """`next_action`: what the payer has to do."""

    type: str
    redirect_url: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class RefundError:
    """Why a refund failed."""

    code: str
    message: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RefundElement:
    """An element of `refunds`."""

    refund_id: RefundId
    stripe_refund_id: StripeRefundId | None
    status: str
    amount_cents: int
    reason: str | None
    error: RefundError | None
    created_at: str
    """As the API shows it: this column is JSON that is sent as it stands."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DisputeColumn:
    """`dispute`: the newest one. `amount_cents` may be of another currency than the payment's."""

    id: DisputeId
    status: str
    reason: str
    amount_cents: int
    currency: str
    evidence_due_by: str | None
    """As the API shows it: this column is JSON that is sent as it stands."""
    funds: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ContradictionElement:
    """An element of `contradictions`: what Stripe says of one of its objects, against what is recorded."""

    stripe_id: StripeObjectId
    status: str
    reason: str
    amount_cents: int | None
    currency: str | None


@dataclass(kw_only=True)
class PaymentRow:
    """What a payment is as of its event number `version`, which stands at `position` in the log.

    Not frozen: its columns are many, and one event changes a few of them (`mapping.fold`). Without slots orjson writes
    it faster.
    """

    payment_id: PaymentId
    merchant_id: MerchantId
    user_id: UserId
    amount_cents: int
    currency: str
    status: str
    stripe_payment_intent_id: StripeIntentId | None
    idempotency_key: str
    description: str | None
    metadata: dict[str, str]
    customer: CustomerId | None
    statement_descriptor_suffix: str | None
    capture_method: str
    amount_capturable_cents: int
    amount_captured_cents: int
    amount_refunded_cents: int
    capture_before: datetime | None
    """While money is held: when the hold ends."""
    refunds: tuple[RefundElement, ...]
    last_error: ErrorColumn | None
    next_action: ActionColumn | None
    dispute: DisputeColumn | None
    contradictions: tuple[ContradictionElement, ...]
    """Those that are open."""
    split_payment_id: SplitPaymentId | None
    """That it is a leg of."""
    created_at: datetime
    updated_at: datetime
    version: int
    position: int
