"""The state of a payment intent."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from infra.stripe_sandbox.json_types import Json, JsonObject
from infra.stripe_sandbox.records import Record

REQUIRES_PAYMENT_METHOD = "requires_payment_method"
REQUIRES_CONFIRMATION = "requires_confirmation"
REQUIRES_ACTION = "requires_action"
PROCESSING = "processing"
REQUIRES_CAPTURE = "requires_capture"
SUCCEEDED = "succeeded"
CANCELED = "canceled"

ASYNC = "automatic_async"

ACCOUNT_METHODS = ("card", "link")
"""The payment methods that are enabled in the sandbox account's dashboard."""
CONFIRMABLE = (REQUIRES_PAYMENT_METHOD, REQUIRES_CONFIRMATION, REQUIRES_ACTION)


@dataclass(frozen=True, kw_only=True, slots=True)
class PaymentIntent(Record):
    """A payment, in amounts of the currency's smallest unit."""

    KIND: ClassVar[str] = "payment_intent"

    amount: int
    currency: str
    status: str
    client_secret: str
    capture_method: str = ASYNC
    confirmation_method: str = "automatic"
    payment_method: str | None = None
    allowed_payment_method_types: list[str] | None = None
    payment_method_options: JsonObject = field(default_factory=dict)
    automatic_payment_methods: JsonObject | None = None
    latest_charge: str | None = None
    amount_capturable: int = 0
    amount_received: int = 0
    canceled_at: int | None = None
    cancellation_reason: str | None = None
    last_payment_error: JsonObject | None = None
    next_action: JsonObject | None = None
    customer: str | None = None
    description: str | None = None
    receipt_email: str | None = None
    setup_future_usage: str | None = None
    shipping: JsonObject | None = None
    statement_descriptor: str | None = None
    statement_descriptor_suffix: str | None = None
    transfer_group: str | None = None

    @property
    def payment_method_types(self) -> list[str]:
        """What a customer may choose from: what the account has, less what the intent does not allow."""
        allowed = self.allowed_payment_method_types
        return [name for name in ACCOUNT_METHODS if allowed is None or name in allowed]

    def card_option(self, name: str) -> Json:
        """Return one of the `payment_method_options` for cards, or None."""
        card = self.payment_method_options.get("card")
        return card.get(name) if isinstance(card, Mapping) else None

    @property
    def captured_by_hand(self) -> bool:
        """Whether a charge on a card only holds the money."""
        return "manual" in {self.capture_method, self.card_option("capture_method")}

    @property
    def booked_later(self) -> bool:
        """Whether the balance learns of a charge after its payment has succeeded."""
        return self.capture_method == ASYNC and not self.captured_by_hand

    @property
    def may_redirect(self) -> bool:
        """Whether payment methods that send the customer to another page are allowed."""
        automatic = self.automatic_payment_methods
        return automatic is not None and bool(automatic["enabled"]) and automatic["allow_redirects"] != "never"
