"""The call that a task makes, with everything that is sent. Pure: the same task always sends the same request.

Stripe refuses a different request under a key that it has seen. So a request is made from the requesting event, and
from those parts of the payment that can no longer change once that event exists.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from consumers.stripe.translate.ids import PAYMENT_ID, REFUND_ID
from consumers.tasks.models import Task, TaskOperation
from domain.ids import StripeIntentId
from domain.payment.events import (
    PaymentCancelRequested,
    PaymentCaptureRequested,
    PaymentConfirmationRequested,
    PaymentEvent,
    PaymentRequested,
    RefundRequested,
)
from domain.payment.state import PaymentState
from domain.payment.values import CaptureMethod


class CardsBy(StrEnum):
    """How a new intent says that it is for cards, and for nothing that redirects.

    Either way it can be confirmed without a `return_url`. Of the first, nobody has seen yet that Stripe agrees.
    """

    ALLOWED_TYPES = "allowed_payment_method_types"
    """Cards by name: what is accepted does not depend on the account's dashboard, and a confirmation in the browser is
    free to give a `return_url`.
    https://docs.stripe.com/api/payment_intents/create#create_payment_intent-allowed_payment_method_types
    (`payment_method_types` is refused since 2026-09-30.endive, which the pinned SDK speaks.)"""
    NO_REDIRECTS = "automatic_payment_methods"
    """What the dashboard enables, less what redirects.
    https://docs.stripe.com/api/payment_intents/create#create_payment_intent-automatic_payment_methods-allow_redirects"""


_CARDS: Mapping[CardsBy, dict[str, Any]] = {
    CardsBy.ALLOWED_TYPES: {"allowed_payment_method_types": ["card"]},
    CardsBy.NO_REDIRECTS: {"automatic_payment_methods": {"enabled": True, "allow_redirects": "never"}},
}


class NothingToSend(Exception):
    """The payment lacks what the call needs: only a fault of ours can lead here."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StripeRequest:
    """One call. `intent_id` names the intent in the path, where there is one."""

    operation: TaskOperation
    idempotency_key: str
    intent_id: StripeIntentId | None
    params: dict[str, Any]


def request_of(
    task: Task, requested: PaymentEvent, payment: PaymentState, *, cards_by: CardsBy = CardsBy.ALLOWED_TYPES
) -> StripeRequest:
    """Return the call for the event `requested`. Raises NothingToSend."""
    needs_intent = task.operation is not TaskOperation.CREATE_INTENT
    in_path = needs_intent and task.operation is not TaskOperation.CREATE_REFUND
    if needs_intent and payment.intent_id is None:
        raise NothingToSend(f"payment {payment.payment_id} has no intent")
    return StripeRequest(
        operation=task.operation,
        idempotency_key=str(task.event_id),
        intent_id=payment.intent_id if in_path else None,
        params=_params(requested, payment, cards_by),
    )


def _params(requested: PaymentEvent, payment: PaymentState, cards_by: CardsBy) -> dict[str, Any]:
    match requested:
        case PaymentRequested():
            return _create(requested, cards_by)
        case PaymentConfirmationRequested():
            chosen = {"payment_method": requested.payment_method} if requested.payment_method else {}
            return chosen | _expand(payment.capture_method)
        case PaymentCaptureRequested():
            return {"amount_to_capture": requested.amount.amount_cents}
        case PaymentCancelRequested():
            return {"cancellation_reason": requested.reason} if requested.reason else {}
        case RefundRequested():
            return _refund(requested, payment)
        case _:
            raise NothingToSend(f"{type(requested).__name__} asks for no call")


def _create(requested: PaymentRequested, cards_by: CardsBy) -> dict[str, Any]:
    params: dict[str, Any] = {
        "amount": requested.amount.amount_cents,
        "currency": requested.amount.currency.lower(),
        **_CARDS[cards_by],
        "metadata": {**requested.metadata, PAYMENT_ID: str(requested.payment_id)},
        **_expand(requested.capture_method),
    }
    if requested.capture_method is CaptureMethod.MANUAL:
        params["capture_method"] = "manual"
    if requested.description:
        params["description"] = requested.description
    if requested.customer:
        params["customer"] = requested.customer
    if requested.statement_descriptor_suffix:
        params["statement_descriptor_suffix"] = requested.statement_descriptor_suffix
    if requested.payment_method:
        params["payment_method"] = requested.payment_method
    if requested.confirm:
        params["confirm"] = True
    return params


def _refund(requested: RefundRequested, payment: PaymentState) -> dict[str, Any]:
    params: dict[str, Any] = {
        "payment_intent": payment.intent_id,
        "amount": requested.amount.amount_cents,
        "metadata": {PAYMENT_ID: str(payment.payment_id), REFUND_ID: str(requested.refund_id)},
    }
    if requested.reason:
        params["reason"] = requested.reason.value
    return params


def _expand(capture_method: CaptureMethod) -> dict[str, Any]:
    # When a hold ends stands on the charge.
    return {"expand": ["latest_charge"]} if capture_method is CaptureMethod.MANUAL else {}
