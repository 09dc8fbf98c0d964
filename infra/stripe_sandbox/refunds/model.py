"""The state of a refund."""

from dataclasses import dataclass
from typing import ClassVar

from infra.stripe_sandbox.records import Record

PENDING = "pending"
SUCCEEDED = "succeeded"
FAILED = "failed"
REQUIRES_ACTION = "requires_action"
CANCELED = "canceled"

ENDED_WITHOUT_MONEY = frozenset({FAILED, CANCELED})


@dataclass(frozen=True, kw_only=True, slots=True)
class Refund(Record):
    """An amount of a charge on its way back. `settles_to` is the status that it will take by itself, if any."""

    KIND: ClassVar[str] = "refund"

    charge: str
    payment_intent: str
    payment_method: str
    amount: int
    currency: str
    status: str
    reason: str | None = None
    settles_to: str | None = None
    failure_reason: str | None = None
    balance_transaction: str | None = None
    failure_balance_transaction: str | None = None

    @property
    def intent_id(self) -> str | None:
        """The payment intent whose charge is refunded."""
        return self.payment_intent
