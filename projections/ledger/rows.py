"""Rows of the ledger's tables. The fields are the tables' columns, in their units and words.

Those that a payment's events make are neither frozen nor with slots: orjson writes them three times as fast.
"""

from dataclasses import dataclass
from datetime import datetime

from domain.ids import BalanceSourceId, BalanceTransactionId, PaymentId


@dataclass(kw_only=True)
class LineRow:
    """A line of an entry: debit above zero, credit below."""

    account: str
    currency: str
    amount: int


@dataclass(kw_only=True)
class EntryRow:
    """A row of `ledger_entries`, with its lines."""

    position: int
    number: int
    kind: str
    source_id: BalanceSourceId
    category: str
    at: datetime
    lines: tuple[LineRow, ...]


@dataclass(kw_only=True)
class MovementRow:
    """The part of a row of `ledger_movements` that says what moved."""

    source_id: BalanceSourceId
    category: str
    currency: str
    amount: int
    at: datetime
    payment_id: PaymentId | None
    position: int
    posted: bool = True
    due_position: int | None = None
    due_at: datetime | None = None
    times: int = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class TransactionRow:
    """The part of a row of `ledger_movements` that comes from Stripe's balance."""

    source_id: BalanceSourceId
    category: str
    transaction_id: BalanceTransactionId
    transaction_position: int
    transaction_currency: str
    transaction_amount: int
    fee: int
    exchange_rate: str | None
    transaction_at: datetime
    posted: bool
    fee_posted: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class WaitingRow:
    """The part of a Stripe row that can be posted now: its fee or its amount."""

    source_id: BalanceSourceId
    category: str
    currency: str
    amount: int
    fee: int
    position: int
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class SecondRow(WaitingRow):
    """One of Stripe's rows beside the first, and whether its amount is posted so far."""

    transaction_id: BalanceTransactionId
    posted: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class AwaitedRow:
    """A movement that was awaited, where its entry stands (None: nowhere), and where it has to."""

    source_id: BalanceSourceId
    category: str
    currency: str
    amount: int
    entry_position: int | None
    at: datetime
    new_position: int
    new_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class ConvertibleRow:
    """A movement whose two sides are known."""

    source_id: BalanceSourceId
    category: str
    currency: str
    amount: int
    transaction_position: int
    transaction_currency: str
    transaction_amount: int
    transaction_at: datetime
