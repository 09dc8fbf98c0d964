"""The call that a task wants, with everything that is sent. Pure: the same task always sends the same request.

It must, as Stripe refuses another request under a key that it has seen: what goes into a request comes from
the asking event, and from what of the payment can no longer change when that event exists.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from consumers.tasks.models import Operation, Task
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

PAYMENT_ID = "paystream_payment_id"
REFUND_ID = "paystream_refund_id"
"""Our ids in the metadata of Stripe's objects: how an object is found when its answer was lost."""


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

    operation: Operation
    idempotency_key: str
    intent_id: str | None
    params: dict[str, Any]


def request_of(
    task: Task, asked: PaymentEvent, payment: PaymentState, *, cards_by: CardsBy = CardsBy.ALLOWED_TYPES
) -> StripeRequest:
    """Return the call for the event `asked`. Raises NothingToSend."""
    needs_intent = task.operation is not Operation.CREATE_INTENT
    in_path = needs_intent and task.operation is not Operation.CREATE_REFUND
    if needs_intent and payment.intent_id is None:
        raise NothingToSend(f"payment {payment.payment_id} has no intent")
    return StripeRequest(
        operation=task.operation,
        idempotency_key=str(task.event_id),
        intent_id=payment.intent_id if in_path else None,
        params=_params(asked, payment, cards_by),
    )


def _params(asked: PaymentEvent, payment: PaymentState, cards_by: CardsBy) -> dict[str, Any]:
    match asked:
        case PaymentRequested():
            return _create(asked, cards_by)
        case PaymentConfirmationRequested():
            chosen = {"payment_method": asked.payment_method} if asked.payment_method else {}
            return chosen | _expand(payment.capture_method)
        case PaymentCaptureRequested():
            return {"amount_to_capture": asked.amount.amount_cents}
        case PaymentCancelRequested():
            return {"cancellation_reason": asked.reason} if asked.reason else {}
        case RefundRequested():
            return _refund(asked, payment)
        case _:
            raise NothingToSend(f"{type(asked).__name__} asks for no call")


def _create(asked: PaymentRequested, cards_by: CardsBy) -> dict[str, Any]:
    params: dict[str, Any] = {
        "amount": asked.amount.amount_cents,
        "currency": asked.amount.currency.lower(),
        **_CARDS[cards_by],
        "metadata": {**asked.metadata, PAYMENT_ID: str(asked.payment_id)},
        **_expand(asked.capture_method),
    }
    if asked.capture_method is CaptureMethod.MANUAL:
        params["capture_method"] = "manual"
    if asked.description:
        params["description"] = asked.description
    if asked.customer:
        params["customer"] = asked.customer
    if asked.statement_descriptor_suffix:
        params["statement_descriptor_suffix"] = asked.statement_descriptor_suffix
    if asked.payment_method:
        params["payment_method"] = asked.payment_method
    if asked.confirm:
        params["confirm"] = True
    return params


def _refund(asked: RefundRequested, payment: PaymentState) -> dict[str, Any]:
    params: dict[str, Any] = {
        "payment_intent": payment.intent_id,
        "amount": asked.amount.amount_cents,
        "metadata": {PAYMENT_ID: str(payment.payment_id), REFUND_ID: str(asked.refund_id)},
    }
    if asked.reason:
        params["reason"] = asked.reason.value
    return params


def _expand(capture_method: CaptureMethod) -> dict[str, Any]:
    # When a hold ends stands on the charge.
    return {"expand": ["latest_charge"]} if capture_method is CaptureMethod.MANUAL else {}
