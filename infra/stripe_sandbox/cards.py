"""What Stripe's test payment methods do: https://docs.stripe.com/testing.

A payment method's name is used in place of a card number. Each use makes a payment method of its own, as at Stripe.
"""

from dataclasses import dataclass
from enum import StrEnum


class RefundCourse(StrEnum):
    """How refunds of a charge on this card go."""

    SUCCEEDS = "succeeds"
    PENDING_THEN_SUCCEEDS = "pending_then_succeeds"
    SUCCEEDS_THEN_FAILS = "succeeds_then_fails"
    PENDING_THEN_FAILS = "pending_then_fails"
    REQUIRES_ACTION = "requires_action"


class DisputeCourse(StrEnum):
    """What the cardholder's bank does some time after the charge."""

    FRAUDULENT = "fraudulent"
    NOT_RECEIVED = "product_not_received"
    INQUIRY = "inquiry"


@dataclass(frozen=True, kw_only=True, slots=True)
class Decline:
    """Why a charge is refused: https://docs.stripe.com/declines/codes."""

    code: str
    message: str
    decline_code: str | None = None
    advice_code: str | None = None
    blocked: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Card:
    """A test card, by the name of its payment method."""

    name: str
    last4: str
    brand: str = "visa"
    funding: str = "credit"
    decline: Decline | None = None
    needs_authentication: bool = False
    refunds: RefundCourse = RefundCourse.SUCCEEDS
    disputed: DisputeCourse | None = None
    available_at_once: bool = False
    """Whether the money can be paid out without waiting for days."""


AUTHENTICATION_REQUIRED = Decline(
    code="authentication_required",
    decline_code="authentication_required",
    message="Your card was declined. This transaction requires authentication.",
)

_DECLINED = "Your card was declined."


def _declined(decline_code: str, advice_code: str, message: str = _DECLINED, *, blocked: bool = False) -> Decline:
    return Decline(
        code="card_declined",
        decline_code=decline_code,
        advice_code=advice_code,
        message=message,
        blocked=blocked,
    )


_INSUFFICIENT_FUNDS = _declined("insufficient_funds", "try_again_later", "Your card has insufficient funds.")
_PROCESSING_ERROR = Decline(
    code="processing_error",
    message="An error occurred while processing your card. Try again in a little bit.",
    advice_code="try_again_later",
)
_EXPIRED = Decline(code="expired_card", message="Your card has expired.", advice_code="confirm_card_data")
_INCORRECT_CVC = Decline(
    code="incorrect_cvc", message="Your card's security code is incorrect.", advice_code="confirm_card_data"
)
_VELOCITY = _declined(
    "card_velocity_exceeded",
    "try_again_later",
    "Your card was declined for making repeated attempts too frequently or exceeding its amount limit.",
)

_STOLEN = _declined("stolen_card", "do_not_try_again")
_LOST = _declined("lost_card", "do_not_try_again")
_GENERIC = _declined("generic_decline", "try_again_later")

# Stripe's documentation spells these with and without the brand: https://docs.stripe.com/testing#declined-payments
_EITHER_SPELLING = (
    ("chargeDeclined", "0002", _GENERIC),
    ("chargeDeclinedInsufficientFunds", "9995", _INSUFFICIENT_FUNDS),
    ("chargeDeclinedLostCard", "9987", _LOST),
    ("chargeDeclinedStolenCard", "9979", _STOLEN),
    ("chargeDeclinedVelocityLimitExceeded", "6975", _VELOCITY),
)

CARDS = {
    card.name: card
    for card in (
        Card(name="pm_card_visa", last4="4242"),
        Card(name="pm_card_visa_debit", last4="5556", funding="debit"),
        Card(name="pm_card_mastercard", last4="4444", brand="mastercard"),
        Card(name="pm_card_amex", last4="8431", brand="amex"),
        Card(name="pm_card_discover", last4="1117", brand="discover"),
        *(
            Card(name=f"pm_card_{brand}{name}", last4=last4, decline=decline)
            for name, last4, decline in _EITHER_SPELLING
            for brand in ("", "visa_")
        ),
        Card(name="pm_card_chargeDeclinedExpiredCard", last4="0069", decline=_EXPIRED),
        Card(name="pm_card_chargeDeclinedIncorrectCvc", last4="0127", decline=_INCORRECT_CVC),
        Card(name="pm_card_chargeDeclinedProcessingError", last4="0119", decline=_PROCESSING_ERROR),
        Card(
            name="pm_card_chargeDeclinedFraudulent",
            last4="0019",
            decline=_declined("fraudulent", "do_not_try_again", blocked=True),
        ),
        Card(name="pm_card_authenticationRequired", last4="3184", needs_authentication=True),
        Card(name="pm_card_threeDSecure2Required", last4="3220", needs_authentication=True),
        Card(name="pm_card_threeDSecureRequired", last4="3063", needs_authentication=True),
        Card(name="pm_card_pendingRefund", last4="7726", refunds=RefundCourse.PENDING_THEN_SUCCEEDS),
        Card(name="pm_card_refundFail", last4="5126", refunds=RefundCourse.SUCCEEDS_THEN_FAILS),
        # These two are the sandbox's own: Stripe has such refunds with other payment methods than cards.
        Card(name="pm_card_pendingRefundFail", last4="7734", refunds=RefundCourse.PENDING_THEN_FAILS),
        Card(name="pm_card_refundRequiresAction", last4="7742", refunds=RefundCourse.REQUIRES_ACTION),
        Card(name="pm_card_createDispute", last4="0259", disputed=DisputeCourse.FRAUDULENT),
        Card(name="pm_card_createDisputeProductNotReceived", last4="2685", disputed=DisputeCourse.NOT_RECEIVED),
        Card(name="pm_card_createDisputeInquiry", last4="1976", disputed=DisputeCourse.INQUIRY),
        Card(name="pm_card_bypassPending", last4="0077", available_at_once=True),
    )
}
