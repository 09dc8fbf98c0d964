"""A posting: the lines that one thing that happened adds to the accounts. Its sides are equal, or it is none."""

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum

from domain.ids import BalanceSourceId
from domain.ledger.accounts import Account
from domain.ledger.errors import UnbalancedPosting


class EntryKind(StrEnum):
    """What a posting is of its source."""

    MOVEMENT = "movement"
    """The amount itself, without the fee: how it changed what Stripe holds."""
    FEE = "fee"
    CONVERSION = "conversion"
    """A movement in one currency that Stripe put on the balance in another."""
    ARRIVAL = "arrival"
    """A payout reached the bank, or was sent back from there."""


class Awaits(StrEnum):
    """That a posting stands with Stripe's row of it, if that row is the first to say that the money has moved."""

    POSSIBLE = "possible"
    """Nothing else says so: without the row, nothing is posted."""
    DUE = "due"
    """Stripe says so by the event too: without the row, it is posted with the event."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """What an account is debited (above zero) or credited (below) with."""

    account: Account
    currency: str
    amount: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Posting:
    """Lines that add up to zero in each currency; raises UnbalancedPosting else.

    ``source_id`` is Stripe's id of what it is about; ``category`` is Stripe's reporting category of its row.
    """

    source_id: BalanceSourceId
    category: str
    kind: EntryKind
    lines: tuple[Line, ...]
    awaits: Awaits | None = None
    """None: it stands with the event, whatever Stripe's row says."""

    def __post_init__(self) -> None:
        sums: Counter[str] = Counter()
        for line in self.lines:
            sums[line.currency] += line.amount
        differences = {currency: amount for currency, amount in sums.items() if amount}
        if differences:
            raise UnbalancedPosting(source_id=self.source_id, differences=differences)

    def effect_on(self, account: Account, currency: str) -> int:
        """Return by how much it changes an account."""
        return sum(line.amount for line in self.lines if (line.account, line.currency) == (account, currency))


def transfer(
    *,
    source_id: BalanceSourceId,
    category: str,
    kind: EntryKind,
    debit: Account,
    credit: Account,
    amount: int,
    currency: str,
) -> tuple[Posting, ...]:
    """Return the posting of an amount from one account to another, the other way round below zero; none of nothing."""
    if not amount:
        return ()
    lines = (
        Line(account=debit, currency=currency, amount=amount),
        Line(account=credit, currency=currency, amount=-amount),
    )
    return (Posting(source_id=source_id, category=category, kind=kind, lines=lines),)
