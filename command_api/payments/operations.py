"""The five things a client may ask of a payment: which domain command each is, and how each is answered.

An operation holds the ids drawn for it, so it can be decided again after a conflict without becoming another one.
A replay's operation is `at` the ids of the original, which its stored answer tells.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Protocol, Self
from uuid import UUID

from command_api.errors import PaymentNotFound
from domain.ids import CustomerId, MerchantId, PaymentId, RefundId, RequestId
from domain.money import Money
from domain.payment.commands import (
    CancelPayment,
    CapturePayment,
    ConfirmPayment,
    PaymentCommand,
    RequestPayment,
    RequestRefund,
)
from domain.payment.state import PaymentState
from domain.payment.values import PaymentStatus, RefundStatus
from schemas.http.payments import (
    CancelPaymentBody,
    CapturePaymentBody,
    ConfirmPaymentBody,
    CreatePaymentBody,
    RefundPaymentBody,
)
from schemas.http.times import moment_of, timestamp

OK, CREATED, ACCEPTED = 200, 201, 202

Body = dict[str, Any]
"""An answer without its position, which only the log knows. Members stand in the order of the schema."""


class Operation(Protocol):
    """One wish of a client, for one payment."""

    @property
    def name(self) -> str:
        """The command's name in metrics and logs."""

    @property
    def payment_id(self) -> PaymentId:
        """The payment it is about."""

    def at(self, answer: Mapping[str, Any]) -> Self:
        """Return this operation with the ids of the one that was answered so."""

    def command(self, state: PaymentState | None) -> PaymentCommand:
        """Return what the domain is to decide. Raises PaymentNotFound."""

    def status(self, state: PaymentState) -> int:
        """Return the HTTP status that tells how far the operation has come."""

    def body(self, state: PaymentState) -> Body:
        """Return the answer in the payment's present state."""

    def settled(self, state: PaymentState) -> bool:
        """Tell whether a client that waits for Stripe's outcome has waited long enough."""


def _payment_body(state: PaymentState) -> Body:
    created_at = moment_of(state.payment_id)
    assert created_at is not None, "ids are drawn with their time"
    return {
        "id": str(state.payment_id),
        "user_id": state.user_id,
        "amount_cents": state.amount.amount_cents,
        "currency": state.amount.currency,
        "status": state.status.value,
        "stripe_payment_intent_id": state.intent_id,
        "idempotency_key": state.idempotency_key,
        "created_at": timestamp(created_at),
        "customer": state.customer,
        "statement_descriptor_suffix": state.statement_descriptor_suffix,
        "last_error": asdict(state.last_error) if state.last_error else None,
        "next_action": asdict(state.next_action) if state.next_action else None,
    }


def original_ids(state: PaymentState) -> Mapping[str, str]:
    """Return the ids that the answer to a payment's last command tells, from the payment as that command left it."""
    refunds = {"refund_id": str(list(state.refunds)[-1])} if state.refunds else {}
    return {"id": str(state.payment_id)} | refunds


def _charge_has_outcome(state: PaymentState) -> bool:
    """Stripe said where the payment stands, and no charge is on its way."""
    on_its_way = state.confirmation_requested or state.status in (PaymentStatus.PENDING, PaymentStatus.PROCESSING)
    return state.is_terminal or not on_its_way


@dataclass(frozen=True, kw_only=True, slots=True)
class Create:
    """POST /payments. The id is drawn here: a payment has one before it exists."""

    payment_id: PaymentId
    merchant_id: MerchantId
    idempotency_key: str
    wanted: CreatePaymentBody
    name: str = "create"

    def at(self, answer: Mapping[str, Any]) -> "Create":
        """Take over the id of the payment that was created first."""
        return replace(self, payment_id=PaymentId(UUID(answer["id"])))

    def command(self, state: PaymentState | None) -> PaymentCommand:  # noqa: ARG002 - there is none yet
        """Return the request for a new payment."""
        wanted = self.wanted
        return RequestPayment(
            payment_id=self.payment_id,
            merchant_id=self.merchant_id,
            user_id=wanted.user_id,
            amount=Money(amount_cents=wanted.amount_cents, currency=wanted.currency),
            payment_method=wanted.payment_method,
            confirm=wanted.wants_confirmation,
            capture_method=wanted.capture_method,
            description=wanted.description,
            metadata=wanted.metadata,
            customer=None if wanted.customer is None else CustomerId(wanted.customer),
            statement_descriptor_suffix=wanted.statement_descriptor_suffix,
            idempotency_key=self.idempotency_key,
            expires_in_seconds=wanted.expires_in_seconds,
        )

    def status(self, state: PaymentState) -> int:  # noqa: ARG002 - the payment exists, whatever becomes of it
        """Return 201, also when Stripe declined: what was asked for here was made."""
        return CREATED

    def body(self, state: PaymentState) -> Body:
        """Return the payment."""
        return _payment_body(state)

    def settled(self, state: PaymentState) -> bool:
        """Tell whether Stripe's first outcome is known."""
        return _charge_has_outcome(state)


@dataclass(frozen=True, kw_only=True, slots=True)
class _OfPayment(ABC):
    """What is asked of a payment that exists, and answered with that payment."""

    payment_id: PaymentId

    def at(self, answer: Mapping[str, Any]) -> Self:  # noqa: ARG002 - the path names the payment
        """Return itself: its answer holds no id of its own."""
        return self

    def status(self, state: PaymentState) -> int:
        """Return 202 while Stripe has not answered, then 200."""
        return OK if self.settled(state) else ACCEPTED

    def body(self, state: PaymentState) -> Body:
        """Return the payment."""
        return _payment_body(state)

    @abstractmethod
    def settled(self, state: PaymentState) -> bool:
        """Tell whether Stripe answered."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Confirm(_OfPayment):
    """POST /payments/{id}/confirm."""

    wanted: ConfirmPaymentBody
    name: str = "confirm"

    def command(self, state: PaymentState | None) -> PaymentCommand:  # noqa: ARG002 - decided on the state later
        """Return the wish to try the charge."""
        return ConfirmPayment(
            payment_method=self.wanted.payment_method, expires_in_seconds=self.wanted.expires_in_seconds
        )

    def settled(self, state: PaymentState) -> bool:
        """Tell whether no charge is on its way."""
        return _charge_has_outcome(state)


@dataclass(frozen=True, kw_only=True, slots=True)
class Capture(_OfPayment):
    """POST /payments/{id}/capture."""

    request_id: RequestId
    wanted: CapturePaymentBody
    name: str = "capture"

    def command(self, state: PaymentState | None) -> PaymentCommand:
        """Return the wish to take held money, in the payment's currency."""
        return CapturePayment(request_id=self.request_id, amount=_amount(self.wanted.amount_cents, state))

    def settled(self, state: PaymentState) -> bool:
        """Tell whether no capture is on its way."""
        return state.capture_requested is None


@dataclass(frozen=True, kw_only=True, slots=True)
class Cancel(_OfPayment):
    """POST /payments/{id}/cancel."""

    request_id: RequestId
    wanted: CancelPaymentBody
    name: str = "cancel"

    def command(self, state: PaymentState | None) -> PaymentCommand:  # noqa: ARG002 - decided on the state later
        """Return the wish to give the payment up."""
        return CancelPayment(request_id=self.request_id, reason=self.wanted.reason)

    def settled(self, state: PaymentState) -> bool:
        """Tell whether no cancellation is on its way."""
        return state.cancel_requested is None


@dataclass(frozen=True, kw_only=True, slots=True)
class RefundPayment:
    """POST /payments/{id}/refund."""

    payment_id: PaymentId
    refund_id: RefundId
    wanted: RefundPaymentBody
    name: str = "refund"

    def at(self, answer: Mapping[str, Any]) -> "RefundPayment":
        """Take over the id of the refund that was requested first."""
        return replace(self, refund_id=RefundId(UUID(answer["refund_id"])))

    def command(self, state: PaymentState | None) -> PaymentCommand:
        """Return the wish to give money back, in the payment's currency."""
        return RequestRefund(
            refund_id=self.refund_id,
            amount=_amount(self.wanted.amount_cents, state),
            reason=self.wanted.reason,
        )

    def status(self, state: PaymentState) -> int:
        """Return 202 while the refund is pending, then 200."""
        return ACCEPTED if state.refunds[self.refund_id].status is RefundStatus.PENDING else OK

    def body(self, state: PaymentState) -> Body:
        """Return the refund."""
        refund = state.refunds[self.refund_id]
        return {
            "payment_id": str(self.payment_id),
            "refund_id": str(self.refund_id),
            "stripe_refund_id": refund.stripe_refund_id,
            "status": refund.status.value,
            "amount_cents": refund.amount.amount_cents,
            "reason": refund.reason.value if refund.reason else None,
            "error": {"code": refund.error.code, "message": refund.error.message} if refund.error else None,
        }

    def settled(self, state: PaymentState) -> bool:
        """Tell whether Stripe took the refund on (it may then be pending for days) or refused it."""
        refund = state.refunds[self.refund_id]
        return refund.status is not RefundStatus.PENDING or refund.stripe_refund_id is not None


def _amount(amount_cents: int | None, state: PaymentState | None) -> Money | None:
    if state is None:
        raise PaymentNotFound
    return None if amount_cents is None else Money(amount_cents=amount_cents, currency=state.amount.currency)
