"""The state of a payout."""

from dataclasses import dataclass
from typing import ClassVar

from infra.stripe_sandbox.records import Record

PENDING = "pending"
IN_TRANSIT = "in_transit"
PAID = "paid"
FAILED = "failed"
CANCELED = "canceled"


@dataclass(frozen=True, kw_only=True, slots=True)
class Payout(Record):
    """An amount on its way to the account's bank."""

    KIND: ClassVar[str] = "payout"

    amount: int
    currency: str
    status: str
    automatic: bool
    arrival_date: int
    method: str = "standard"
    balance_transaction: str | None = None
    failure_balance_transaction: str | None = None
    failure_code: str | None = None
    failure_message: str | None = None
    reconciled: bool = False
    description: str | None = None
    statement_descriptor: str | None = None
    fails: bool = False
    """Whether the bank will send it back."""
