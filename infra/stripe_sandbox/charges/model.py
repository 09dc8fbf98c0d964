"""The state of a charge."""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from infra.stripe_sandbox.card_names import CARDS
from infra.stripe_sandbox.cards import Card
from infra.stripe_sandbox.json_types import JsonObject
from infra.stripe_sandbox.records import Record


class ChargeOutcome(StrEnum):
    """What the card's network, or the rules before it, said."""

    AUTHORIZED = "authorized"
    DECLINED = "declined"
    BLOCKED = "blocked"


@dataclass(frozen=True, kw_only=True, slots=True)
class Charge(Record):
    """An attempt on a payment intent. `amount_refunded` counts refunds that are pending, too."""

    KIND: ClassVar[str] = "charge"

    payment_intent: str
    payment_method: str
    card_name: str
    amount: int
    currency: str
    status: str
    outcome: ChargeOutcome
    amount_captured: int = 0
    amount_refunded: int = 0
    capture_before: int | None = None
    canceled: bool = False
    disputed: bool = False
    charged_back: bool = False
    """Whether a dispute has taken the money; it cannot be refunded then."""
    balance_transaction: str | None = None
    authenticated: bool = False
    failure_code: str | None = None
    failure_reason: str | None = None
    failure_message: str | None = None
    advice_code: str | None = None
    network_decline_code: str | None = None
    transfer_group: str | None = None
    customer: str | None = None
    description: str | None = None
    receipt_email: str | None = None
    shipping: JsonObject | None = None
    statement_descriptor: str | None = None
    statement_descriptor_suffix: str | None = None

    @property
    def intent_id(self) -> str | None:
        """The payment intent that this charge is an attempt on."""
        return self.payment_intent

    @property
    def card(self) -> Card:
        """What the charged card does."""
        return CARDS[self.card_name]

    @property
    def succeeded(self) -> bool:
        """Whether the card was authorized."""
        return self.status == "succeeded"

    @property
    def captured(self) -> bool:
        """Whether money was taken."""
        return self.amount_captured > 0

    @property
    def unbooked(self) -> bool:
        """Whether the balance does not know yet of the money that was taken."""
        return self.captured and self.balance_transaction is None

    @property
    def held(self) -> bool:
        """Whether the money is authorized, and not captured or released yet."""
        return self.succeeded and not self.captured and not self.canceled

    @property
    def amount_refundable(self) -> int:
        """What may still be given back."""
        return self.amount_captured - self.amount_refunded
