"""The five requests of a client about a payment: which domain command each is, and what its response is.

A replay's operation is `with_ids_of` the stored response.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Self
from uuid import UUID

from command_api.commands.client_operation import Body
from command_api.errors import PaymentNotFound
from command_api.stripe_ids import owned_ids
from domain.ids import CustomerId, MerchantId, PaymentId, RefundId, RequestId, UserId
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
    """Return the ids in the response to a payment's last command, from the payment as that command left it."""
    refunds = {"refund_id": str(list(state.refunds)[-1])} if state.refunds else {}
    return {"id": str(state.payment_id)} | refunds


def _charge_has_outcome(state: PaymentState) -> bool:
    """Whether Stripe has answered, and no charge is under way."""
    is_under_way = state.confirmation_requested or state.status in (PaymentStatus.PENDING, PaymentStatus.PROCESSING)
    return state.is_terminal or not is_under_way


@dataclass(frozen=True, kw_only=True, slots=True)
class _PaymentOperation:
    payment_id: PaymentId

    @property
    def stream_id(self) -> UUID:
        """The payment's."""
        return self.payment_id

    @property
    def log_ids(self) -> Mapping[str, str | None]:
        """The payment's id."""
        return {"payment_id": str(self.payment_id)}

    @property
    def stripe_ids(self) -> frozenset[str]:
        """None."""
        return frozenset()

    def with_ids_of(self, response: Mapping[str, Any]) -> Self:  # noqa: ARG002 - the path names the payment
        """Return itself: its response has no id of its own."""
        return self


@dataclass(frozen=True, kw_only=True, slots=True)
class Create(_PaymentOperation):
    """POST /payments. The id is drawn here: a payment has one before it exists."""

    merchant_id: MerchantId
    idempotency_key: str
    request: CreatePaymentBody
    name: str = "create"

    @property
    def log_ids(self) -> Mapping[str, str | None]:
        """The payment's id, and who pays."""
        return {"payment_id": str(self.payment_id), "user_id": self.request.user_id}

    @property
    def stripe_ids(self) -> frozenset[str]:
        """Who pays, and with what."""
        return owned_ids(self.request.customer, self.request.payment_method)

    def with_ids_of(self, response: Mapping[str, Any]) -> "Create":
        """Take over the id of the payment that was created first."""
        return replace(self, payment_id=PaymentId(UUID(response["id"])))

    def command(self, state: PaymentState | None) -> PaymentCommand:  # noqa: ARG002 - there is none yet
        """Return the request for a new payment."""
        request = self.request
        return RequestPayment(
            payment_id=self.payment_id,
            merchant_id=self.merchant_id,
            user_id=UserId(request.user_id),
            amount=Money(amount_cents=request.amount_cents, currency=request.currency),
            payment_method=request.payment_method,
            confirm=request.wants_confirmation,
            capture_method=request.capture_method,
            description=request.description,
            metadata=request.metadata,
            customer=None if request.customer is None else CustomerId(request.customer),
            statement_descriptor_suffix=request.statement_descriptor_suffix,
            idempotency_key=self.idempotency_key,
            expires_in_seconds=request.expires_in_seconds,
        )

    def status(self, state: PaymentState) -> int:  # noqa: ARG002 - the payment exists, whatever becomes of it
        """Return 201, also when Stripe declined: the payment was created."""
        return CREATED

    def response_body(self, state: PaymentState) -> Body:
        """Return the payment as JSON."""
        return _payment_body(state)

    def has_outcome(self, state: PaymentState) -> bool:
        """Whether Stripe's first outcome is known."""
        return _charge_has_outcome(state)


@dataclass(frozen=True, kw_only=True, slots=True)
class _ExistingPaymentOperation(_PaymentOperation, ABC):
    """A request about a payment that exists; the response is that payment."""

    def status(self, state: PaymentState) -> int:
        """Return 202 while Stripe has not answered, then 200."""
        return OK if self.has_outcome(state) else ACCEPTED

    def response_body(self, state: PaymentState) -> Body:
        """Return the payment as JSON."""
        return _payment_body(state)

    @abstractmethod
    def has_outcome(self, state: PaymentState) -> bool:
        """Whether Stripe has answered."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Confirm(_ExistingPaymentOperation):
    """POST /payments/{id}/confirm."""

    request: ConfirmPaymentBody
    name: str = "confirm"

    @property
    def stripe_ids(self) -> frozenset[str]:
        """With what is paid."""
        return owned_ids(self.request.payment_method)

    def command(self, state: PaymentState | None) -> PaymentCommand:  # noqa: ARG002 - decided on the state later
        """Return the command to charge."""
        return ConfirmPayment(
            payment_method=self.request.payment_method, expires_in_seconds=self.request.expires_in_seconds
        )

    def has_outcome(self, state: PaymentState) -> bool:
        """Whether no charge is under way."""
        return _charge_has_outcome(state)


@dataclass(frozen=True, kw_only=True, slots=True)
class Capture(_ExistingPaymentOperation):
    """POST /payments/{id}/capture."""

    request_id: RequestId
    request: CapturePaymentBody
    name: str = "capture"

    def command(self, state: PaymentState | None) -> PaymentCommand:
        """Return the command to capture, in the payment's currency."""
        amount = _amount(self.request.amount_cents, state)
        return CapturePayment(request_id=self.request_id, amount=amount, reason=self.request.reason)

    def has_outcome(self, state: PaymentState) -> bool:
        """Whether no capture is under way."""
        return state.capture_requested is None


@dataclass(frozen=True, kw_only=True, slots=True)
class Cancel(_ExistingPaymentOperation):
    """POST /payments/{id}/cancel."""

    request_id: RequestId
    request: CancelPaymentBody
    name: str = "cancel"

    def command(self, state: PaymentState | None) -> PaymentCommand:  # noqa: ARG002 - decided on the state later
        """Return the command to cancel."""
        return CancelPayment(request_id=self.request_id, reason=self.request.reason)

    def has_outcome(self, state: PaymentState) -> bool:
        """Whether no cancellation is under way."""
        return state.cancel_requested is None


@dataclass(frozen=True, kw_only=True, slots=True)
class RefundPayment(_PaymentOperation):
    """POST /payments/{id}/refund."""

    refund_id: RefundId
    request: RefundPaymentBody
    name: str = "refund"

    def with_ids_of(self, response: Mapping[str, Any]) -> "RefundPayment":
        """Take over the id of the refund that was requested first."""
        return replace(self, refund_id=RefundId(UUID(response["refund_id"])))

    def command(self, state: PaymentState | None) -> PaymentCommand:
        """Return the command to refund, in the payment's currency."""
        return RequestRefund(
            refund_id=self.refund_id,
            amount=_amount(self.request.amount_cents, state),
            reason=self.request.reason,
        )

    def status(self, state: PaymentState) -> int:
        """Return 202 while the refund is pending, then 200."""
        return ACCEPTED if state.refunds[self.refund_id].status is RefundStatus.PENDING else OK

    def response_body(self, state: PaymentState) -> Body:
        """Return the refund as JSON."""
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

    def has_outcome(self, state: PaymentState) -> bool:
        """Whether Stripe took the refund on (it may then be pending for days) or refused it."""
        refund = state.refunds[self.refund_id]
        return refund.status is not RefundStatus.PENDING or refund.stripe_refund_id is not None


def _amount(amount_cents: int | None, state: PaymentState | None) -> Money | None:
    if state is None:
        raise PaymentNotFound
    return None if amount_cents is None else Money(amount_cents=amount_cents, currency=state.amount.currency)
