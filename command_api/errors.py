"""The errors of commands, and the table of how each is reported to clients."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

from domain.errors import DomainError
from domain.money import Money
from domain.payment.errors import PaymentDisputed, PaymentIsLeg
from domain.payment.values import PaymentStatus
from domain.split_payment.values import SplitPaymentStatus
from infra.errors import Unavailable
from infra.http.problems import Problem


class CommandError(Exception):
    """Root of this package's refusals: the command was not carried out.

    `code` is stable and travels to clients; `str()` is a sentence for a person.
    """

    code: ClassVar[str]


class PaymentNotFound(CommandError):
    """There is no such payment, or it is another merchant's: the two must look alike."""

    code = "payment_not_found"

    def __init__(self) -> None:
        super().__init__("There is no such payment.")


class SplitPaymentNotFound(CommandError):
    """There is no such split payment, or it is another merchant's: the two must look alike."""

    code = "split_payment_not_found"

    def __init__(self) -> None:
        super().__init__("There is no such split payment.")


class KeyInUse(CommandError):
    """The first request with this idempotency key is still being carried out."""

    code = "idempotency_key_in_use"

    def __init__(self) -> None:
        super().__init__("A request with this Idempotency-Key is still being carried out. Try again in a second.")


class KeyReused(CommandError):
    """The idempotency key belongs to another request."""

    code = "idempotency_key_reused"

    def __init__(self) -> None:
        super().__init__("This Idempotency-Key was used for another request. A new request needs a new key.")


class PaymentBusy(CommandError):
    """Others changed the payment again and again while this command was being decided. Nothing was recorded."""

    code = "payment_busy"

    def __init__(self) -> None:
        super().__init__("The payment is being changed by others. Nothing was recorded; try again in a second.")


class SplitPaymentBusy(CommandError):
    """Others changed the split payment again and again while this command was being decided. Nothing was recorded."""

    code = "split_payment_busy"

    def __init__(self) -> None:
        super().__init__("The split payment is being changed by others. Nothing was recorded; try again in a second.")


class CardNumberRefused(CommandError):
    """What a client sent holds what looks like a card number; `where` says in which part, never the number."""

    code = "card_number_refused"

    def __init__(self, where: str) -> None:
        super().__init__(f"The {where} holds what looks like a card number. Send a Stripe payment method id instead.")


class ForeignStripeObject(CommandError):
    """The customer or the payment method is another merchant's."""

    code = "stripe_object_of_another_merchant"

    def __init__(self) -> None:
        super().__init__("The customer or the payment method belongs to another merchant.")


class RequestTooLarge(CommandError):
    """What was asked for makes an event that the log does not take."""

    code = "request_too_large"

    def __init__(self, size_bytes: int, max_bytes: int) -> None:
        super().__init__(f"Recording the request would take {size_bytes} bytes, and {max_bytes} are allowed.")


class ShuttingDown(Unavailable):
    """The process is stopping and accepts no more commands; another one does."""

    code = "shutting_down"
    title = "This process is stopping"


class Overloaded(Unavailable):
    """More is under way already than can be recorded soon. Nothing was done."""

    code = "overloaded"
    title = "Too many requests are under way"

    def __init__(self, limit: int) -> None:
        super().__init__(f"{limit} are under way already")


@dataclass(frozen=True, kw_only=True, slots=True)
class ErrorSpec:
    """How an error is reported: its HTTP status, and when it happens, as a title and for the API's documentation."""

    status: int
    title: str
    retry_after_s: int | None = None


_ERROR_SPECS = {
    "card_number_refused": ErrorSpec(status=400, title="A card number was sent"),
    "payment_not_found": ErrorSpec(status=404, title="No such payment"),
    "split_payment_not_found": ErrorSpec(status=404, title="No such split payment"),
    "idempotency_key_in_use": ErrorSpec(
        status=409, title="The first request with this key is still being carried out", retry_after_s=1
    ),
    "payment_not_at_stripe": ErrorSpec(status=409, title="Stripe does not know the payment yet", retry_after_s=1),
    "payout_items_unknown": ErrorSpec(status=404, title="What the payout pays is not known"),
    "payment_over": ErrorSpec(status=409, title="The payment ended before it came to Stripe"),
    "payment_busy": ErrorSpec(status=409, title="Others kept changing the payment", retry_after_s=1),
    "split_payment_busy": ErrorSpec(status=409, title="Others kept changing the split payment", retry_after_s=1),
    "payment_already_exists": ErrorSpec(status=409, title="The payment was created before"),
    "payment_not_confirmable": ErrorSpec(status=409, title="No charge can be tried now"),
    "payment_not_capturable": ErrorSpec(status=409, title="Nothing can be captured now"),
    "payment_not_cancelable": ErrorSpec(status=409, title="The payment cannot be canceled now"),
    "payment_not_refundable": ErrorSpec(status=409, title="Nothing was captured that could be refunded"),
    "payment_is_leg": ErrorSpec(status=409, title="The payment is a leg of a split payment"),
    "split_payment_already_exists": ErrorSpec(status=409, title="The split payment was created before"),
    "split_payment_not_cancelable": ErrorSpec(status=409, title="The split payment cannot be canceled now"),
    "split_payment_not_refundable": ErrorSpec(status=409, title="The split payment was not completed"),
    "payment_disputed": ErrorSpec(status=409, title="The payer's bank contests the payment"),
    "request_too_large": ErrorSpec(status=413, title="More than can be recorded"),
    "stripe_object_of_another_merchant": ErrorSpec(
        status=422, title="The customer or the payment method belongs to another merchant"
    ),
    "idempotency_key_reused": ErrorSpec(status=422, title="The key was used for another request"),
    "capture_amount_exceeds_authorized": ErrorSpec(status=422, title="More than is held"),
    "refund_amount_exceeds_refundable": ErrorSpec(status=422, title="More than can still be refunded"),
    "split_refund_amount_exceeds_refundable": ErrorSpec(status=422, title="More than can still be refunded"),
    "invalid_split_payment": ErrorSpec(status=422, title="A field breaks a rule"),
    "invalid_payment_request": ErrorSpec(status=422, title="A field breaks a rule"),
    "invalid_money": ErrorSpec(status=422, title="Not an amount of money"),
    "amount_too_small": ErrorSpec(status=422, title="Below the currency's minimum"),
    "amount_too_large": ErrorSpec(status=422, title="Above the currency's maximum"),
    "amount_not_representable": ErrorSpec(status=422, title="An amount that the currency does not have"),
    "currency_unsupported": ErrorSpec(status=422, title="A currency that Stripe does not take"),
    "currency_mismatch": ErrorSpec(status=422, title="Not the payment's currency"),
}
ERROR_SPECS: Mapping[str, ErrorSpec] = MappingProxyType(_ERROR_SPECS)
"""Every reason for which a client's command is not carried out, by its code."""

_AMOUNTS = ("refundable", "refunded", "capturable", "minimum", "maximum")


def problem_of(error: DomainError | CommandError) -> Problem:
    """Return the problem document for `error`.

    Raises `error` itself when no command of a client can cause it: it is a bug of this system.
    """
    spec = ERROR_SPECS.get(error.code)
    if spec is None:
        raise error
    headers = {} if spec.retry_after_s is None else {"Retry-After": str(spec.retry_after_s)}
    return Problem(spec.status, error.code, spec.title, str(error), headers, **_members(error))


def _members(error: Exception) -> dict[str, Any]:
    """Return what a program can use of the error: its amounts, the payment's status, the dispute, the field."""
    members: dict[str, Any] = {}
    for name in _AMOUNTS:
        if isinstance(amount := getattr(error, name, None), Money):
            members[f"amount_{name}_cents"] = amount.amount_cents
    if isinstance(status := getattr(error, "status", None), PaymentStatus):
        members["payment_status"] = status.value
    if isinstance(split_status := getattr(error, "split_payment_status", None), SplitPaymentStatus):
        members["split_payment_status"] = split_status.value
    if isinstance(error, PaymentIsLeg):
        members["split_payment_id"] = str(error.split_payment_id)
    if isinstance(error, PaymentDisputed):
        members["dispute"] = {"id": error.dispute_id, "status": error.dispute_status.value}
    if isinstance(field := getattr(error, "field", None), str):
        members["errors"] = [{"field": field, "message": str(error)}]
    return members
