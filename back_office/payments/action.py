"""What can be done with a payment: what its form asks for, and the body of the command that follows."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from back_office.operations.operation import check_reason
from back_office.payments import state
from back_office.web.forms import FormIncomplete
from back_office.web.money import NoAmount, format_money, format_number, parse_money

Json = dict[str, Any]

_REFUND_REASONS = ("requested_by_customer", "duplicate", "fraudulent")
_CANCEL_REASONS = (*_REFUND_REASONS, "abandoned")
"""Stripe's, which both the log and Stripe keep."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Action:
    """One of them. `name` is the command API's, and the permission's."""

    name: str
    title: str
    button: str
    consequence: str
    """What will happen, in words."""
    impossible: str
    reasons: tuple[str, ...] = ()
    """Of which one has to be given; none: it is in words of their own."""
    amount_of: Callable[[Json], int] | None = None
    """How much is left of the payment for it; None: it has no amount."""

    def amount_left(self, payment: Json) -> int:
        """Return how much of the payment it can be about."""
        return 0 if self.amount_of is None else self.amount_of(payment)

    def refusal_reason(self, payment: Json) -> str:
        """Return why the payment is not offered this, in a sentence."""
        if payment["split_payment_id"] is not None:
            return "It is a part of a split payment, which captures, refunds and cancels all its parts at once."
        if self.name == "refund" and self.amount_left(payment) and state.is_disputed(payment):
            return "Its dispute decides about the money: a refund could pay it back twice."
        return self.impossible

    def written(self, left: int, currency: str) -> str:
        """Return an amount as the field of the form has it."""
        return "" if self.amount_of is None else format_number(left, currency, grouped=False)

    def body(self, payment: Json, *, amount: str, reason: str) -> Json:
        """Return the command's body. Raises FormIncomplete."""
        mistakes: dict[str, str] = {}
        body: Json = {}
        if self.amount_of is not None:
            try:
                body["amount_cents"] = self._checked(payment, parse_money(amount, payment["currency"]))
            except NoAmount as error:
                mistakes["amount"] = str(error)
        body["reason"] = reason = reason.strip()
        if not self.reasons:
            check_reason(reason, mistakes)
        elif reason not in self.reasons:
            mistakes["reason"] = "Choose why: it is recorded with the payment."
        if mistakes:
            raise FormIncomplete(mistakes)
        return body

    def _checked(self, payment: Json, amount: int) -> int:
        """Return the amount if there is something of it. Whether there is so much left is the command API's to say."""
        if amount == 0:
            raise NoAmount(f"More than nothing: up to {format_money(self.amount_left(payment), payment['currency'])}.")
        return amount


REFUND = Action(
    name="refund",
    title="Refund",
    button="Refund",
    consequence="The money goes back to the card it came from. Customers see it within 10 days. It cannot be undone.",
    impossible="Nothing is left that could be refunded.",
    reasons=_REFUND_REASONS,
    amount_of=state.refundable,
)
CAPTURE = Action(
    name="capture",
    title="Capture",
    button="Capture",
    consequence="The money that is held is taken. Of a smaller amount, the rest is released and cannot be taken later.",
    impossible="Nothing is held that could be captured.",
    amount_of=lambda payment: int(payment["amount_capturable_cents"]),
)
CANCEL = Action(
    name="cancel",
    title="Cancel",
    button="Cancel the payment",
    consequence="Nothing will be taken, and what is held is released. It cannot be undone.",
    impossible="It has ended, or is at the bank: it cannot be canceled now.",
    reasons=_CANCEL_REASONS,
)
ACTIONS = (REFUND, CAPTURE, CANCEL)
