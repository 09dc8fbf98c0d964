"""What a test card does: how it is charged, authenticated, refunded and disputed (https://docs.stripe.com/testing).

Which cards there are, by the names of their payment methods, is in `card_names.py`.
"""

from dataclasses import dataclass
from enum import StrEnum

NETWORK_DECLINE_CODE = "01"
"""As it was seen at Stripe with `generic_decline`; what the other test cards have there is not known."""


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
    COMPELLING_EVIDENCE = "compelling_evidence"
    COMPLIANCE = "compliance"
    SMART = "smart_disputes"
    TWICE = "twice"
    """Of the two disputes each is about a half, which is the sandbox's guess: Stripe says "multiple times"."""


class Authentication(StrEnum):
    """When the card's bank wants its customer to authenticate."""

    NEVER = "never"
    ON_REQUEST = "on_request"
    """Where `payment_method_options[card][request_three_d_secure]` asks for it."""
    ON_SESSION = "on_session"
    """Unless the customer is away (`off_session`): the card counts as set up for that."""
    ALWAYS = "always"


class Risk(StrEnum):
    """What Radar says: https://docs.stripe.com/radar/risk-evaluation."""

    NORMAL = "normal"
    ELEVATED = "elevated"
    HIGHEST = "highest"


@dataclass(frozen=True, kw_only=True, slots=True)
class Decline:
    """Why a charge is refused: https://docs.stripe.com/declines/codes."""

    code: str
    message: str
    decline_code: str | None = None
    advice_code: str | None = None
    network_decline_code: str | None = NETWORK_DECLINE_CODE
    blocked: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Card:
    """A test card, by the name of its payment method."""

    name: str
    last4: str
    brand: str = "visa"
    funding: str = "credit"
    country: str = "US"
    decline: Decline | None = None
    authentication: Authentication = Authentication.NEVER
    risk: Risk = Risk.NORMAL
    cvc_check: str = "pass"
    line1_check: str | None = None
    postal_code_check: str | None = None
    refunds: RefundCourse = RefundCourse.SUCCEEDS
    disputed: DisputeCourse | None = None
    available_at_once: bool = False
    """Whether the money can be paid out without waiting for days."""

    def asks_for_authentication(self, *, off_session: bool, requested: bool) -> bool:
        """Whether a payment has to wait for its customer: while they are away or not, asked for by us or not."""
        match self.authentication:
            case Authentication.ALWAYS:
                return True
            case Authentication.ON_SESSION:
                return not off_session
            case Authentication.ON_REQUEST:
                return requested
            case Authentication.NEVER:
                return False


def checks(card: Card) -> dict[str, str | None]:
    """Return what the bank said of the address and the code."""
    return {
        "address_line1_check": card.line1_check,
        "address_postal_code_check": card.postal_code_check,
        "cvc_check": card.cvc_check,
    }
