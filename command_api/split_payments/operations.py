"""The three requests of a client about a split payment: which domain command each is, and what its response is.

A replay's operation is `with_ids_of` the stored response.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self
from uuid import UUID

from command_api.commands.client_operation import Body
from command_api.errors import SplitPaymentNotFound
from command_api.stripe_ids import owned_ids
from domain.ids import MerchantId, PaymentId, RefundId, SplitPaymentId, UserId
from domain.money import Money
from domain.saga.status import ENDED
from domain.split_payment.commands import (
    CancelSplitPayment,
    Leg,
    RefundSplitPayment,
    RequestSplitPayment,
    SplitPaymentCommand,
)
from domain.split_payment.decide import MAX_LEGS
from domain.split_payment.state import SplitPaymentState
from domain.split_payment.values import SplitPaymentStatus, SplitRefundStatus
from domain.split_payment.waits import WaitsFor, waits_for
from infra.ids import uuid7
from schemas.http.split_payment_views import refund_view, split_payment_view
from schemas.http.split_payments import CancelSplitPaymentBody, CreateSplitPaymentBody, RefundSplitPaymentBody
from schemas.http.times import moment_of, timestamp

OK, CREATED, ACCEPTED = 200, 201, 202


def original_ids(state: SplitPaymentState) -> Mapping[str, str]:
    """Return the ids in the response to the last command, from the split payment as that command left it."""
    refunds = {"refund_id": str(list(state.refunds)[-1])} if state.refunds else {}
    return {"id": str(state.split_payment_id)} | refunds


def draw_leg_ids() -> tuple[PaymentId, ...]:
    """Draw ids for as many legs as there can be."""
    return tuple(PaymentId(uuid7()) for _ in range(MAX_LEGS))


def draw_part_ids() -> tuple[RefundId, ...]:
    """Draw ids for the parts of a refund, of as many legs as there can be."""
    return tuple(RefundId(uuid7()) for _ in range(MAX_LEGS))


@dataclass(frozen=True, kw_only=True, slots=True)
class _SplitPaymentOperation:
    split_payment_id: SplitPaymentId

    @property
    def stream_id(self) -> UUID:
        """The split payment's."""
        return self.split_payment_id

    @property
    def stripe_ids(self) -> frozenset[str]:
        """None."""
        return frozenset()

    def with_ids_of(self, response: Mapping[str, Any]) -> Self:  # noqa: ARG002 - the path names the split payment
        """Return itself: its response has no id of its own."""
        return self

    @property
    def log_ids(self) -> Mapping[str, str | None]:
        """The split payment's id."""
        return {"split_payment_id": str(self.split_payment_id)}


@dataclass(frozen=True, kw_only=True, slots=True)
class CreateSplit(_SplitPaymentOperation):
    """POST /split-payments. The ids of it and of its legs are drawn here: they have one before they exist."""

    merchant_id: MerchantId
    idempotency_key: str
    leg_ids: tuple[PaymentId, ...]
    request: CreateSplitPaymentBody
    """With an expiry: the service adds its own where the client does not say it."""
    now: Callable[[], float]
    name: str = "create_split"

    @property
    def stripe_ids(self) -> frozenset[str]:
        """With what is paid, by all legs: those that are requested later name nothing else."""
        return owned_ids(*(each.payment_method for each in self.request.legs))

    def with_ids_of(self, response: Mapping[str, Any]) -> "CreateSplit":
        """Take over the id of the split payment that was created first."""
        return replace(self, split_payment_id=SplitPaymentId(UUID(response["id"])))

    def command(self, state: SplitPaymentState | None) -> SplitPaymentCommand:  # noqa: ARG002 - there is none yet
        """Return the request for a new split payment."""
        request = self.request
        assert request.expires_in_seconds is not None
        return RequestSplitPayment(
            split_payment_id=self.split_payment_id,
            merchant_id=self.merchant_id,
            user_id=UserId(request.user_id),
            currency=request.currency,
            legs=tuple(
                Leg(
                    payment_id=payment_id,
                    user_id=UserId(leg.user_id or request.user_id),
                    amount=Money(amount_cents=leg.amount_cents, currency=request.currency),
                    payment_method=leg.payment_method,
                    metadata=leg.metadata,
                )
                for payment_id, leg in zip(self.leg_ids, request.legs, strict=False)
            ),
            metadata=request.metadata,
            idempotency_key=self.idempotency_key,
            expires_in_seconds=request.expires_in_seconds,
            now=self.now(),
        )

    def status(self, state: SplitPaymentState) -> int:  # noqa: ARG002 - it exists, whatever becomes of it
        """Return 201, also when it is taken back: it was created."""
        return CREATED

    def response_body(self, state: SplitPaymentState) -> Body:
        """Return the split payment as JSON."""
        return _body(state)

    def has_outcome(self, state: SplitPaymentState) -> bool:
        """Whether it has ended, or nothing moves until a customer does something."""
        waits = waits_for(state)
        is_customers = bool(waits) and all(each.waits_for is not WaitsFor.STRIPE for each in waits)
        return state.saga_status in ENDED or is_customers


@dataclass(frozen=True, kw_only=True, slots=True)
class CancelSplit(_SplitPaymentOperation):
    """POST /split-payments/{id}/cancel."""

    request: CancelSplitPaymentBody
    name: str = "cancel_split"

    def command(self, state: SplitPaymentState | None) -> SplitPaymentCommand:
        """Return the command to take it back."""
        _require(state)
        return CancelSplitPayment(reason=self.request.reason)

    def status(self, state: SplitPaymentState) -> int:
        """Return 202 while it is being taken back, then 200."""
        return OK if self.has_outcome(state) else ACCEPTED

    def response_body(self, state: SplitPaymentState) -> Body:
        """Return the split payment as JSON."""
        return _body(state)

    def has_outcome(self, state: SplitPaymentState) -> bool:
        """Whether it is taken back, or an operator was called."""
        return state.saga_status in ENDED or state.status is SplitPaymentStatus.COMPENSATION_STUCK


@dataclass(frozen=True, kw_only=True, slots=True)
class RefundSplit(_SplitPaymentOperation):
    """POST /split-payments/{id}/refund."""

    refund_id: RefundId
    part_ids: tuple[RefundId, ...]
    request: RefundSplitPaymentBody
    name: str = "refund_split"

    def with_ids_of(self, response: Mapping[str, Any]) -> "RefundSplit":
        """Take over the id of the refund that was requested first."""
        return replace(self, refund_id=RefundId(UUID(response["refund_id"])))

    def command(self, state: SplitPaymentState | None) -> SplitPaymentCommand:
        """Return the command to refund, in the split payment's currency."""
        found = _require(state)
        cents = self.request.amount_cents
        return RefundSplitPayment(
            refund_id=self.refund_id,
            part_ids=self.part_ids[: len(found.legs)],
            amount=None if cents is None else Money(amount_cents=cents, currency=found.amount.currency),
            reason=self.request.reason,
        )

    def status(self, state: SplitPaymentState) -> int:
        """Return 202 while a part is pending, then 200."""
        return OK if self.has_outcome(state) else ACCEPTED

    def response_body(self, state: SplitPaymentState) -> Body:
        """Return the refund as JSON."""
        return {"split_payment_id": str(self.split_payment_id), **refund_view(state.refunds[self.refund_id])}

    def has_outcome(self, state: SplitPaymentState) -> bool:
        """Whether every part succeeded or failed."""
        return state.refunds[self.refund_id].status is not SplitRefundStatus.PENDING


def _require(state: SplitPaymentState | None) -> SplitPaymentState:
    if state is None:
        raise SplitPaymentNotFound
    return state


def _body(state: SplitPaymentState) -> Body:
    created_at = moment_of(state.split_payment_id)
    assert created_at is not None, "ids are drawn with their time"
    return {**split_payment_view(state), "created_at": timestamp(created_at)}
