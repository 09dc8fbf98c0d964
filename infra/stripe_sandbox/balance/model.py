"""A row of the balance."""

from dataclasses import dataclass

ROW_PREFIX = "txn"
DAY = 24 * 3600
SETTLEMENT_DAYS = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """What happened to a balance. `available_on` is when the net can be paid out; None is at once."""

    source: str
    type: str
    reporting_category: str
    currency: str
    amount: int
    fee: int = 0
    description: str | None = None
    available_on: int | None = None
    payout: str | None = None


@dataclass(frozen=True, slots=True)
class BalanceTransaction:
    """A stored entry, its members in the order of the table's columns."""

    seq: int
    account: str
    id: str
    source: str
    payout: str | None
    type: str
    reporting_category: str
    currency: str
    amount: int
    fee: int
    description: str | None
    created: int
    available_on: int
    shown: int

    @property
    def net(self) -> int:
        """What the balance changed by."""
        return self.amount - self.fee


def settlement_day(now: int) -> int:
    """Return when a card payment of now can be paid out: two days on, at midnight UTC."""
    return (now // DAY + SETTLEMENT_DAYS) * DAY
