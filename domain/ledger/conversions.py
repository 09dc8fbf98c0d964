"""Money that came in in one currency, and that Stripe put on our balance in another.

The payment posted what the customer paid; the balance row says what became of it. Whichever is learned of first: once
both are known, the conversion takes the one off the clearing account and puts the other on it.
"""

from dataclasses import dataclass

from domain.ids import BalanceSourceId
from domain.ledger.accounts import Account
from domain.ledger.postings import EntryKind, Line, Posting


@dataclass(frozen=True, kw_only=True, slots=True)
class Movement:
    """A signed effect on what Stripe holds for us."""

    currency: str
    amount: int


def post_conversion(*, source_id: BalanceSourceId, category: str, presented: Movement, on_balance: Movement) -> Posting:
    """Return the posting that turns what a payment posted into what the balance shows."""
    return Posting(
        source_id=source_id,
        category=category,
        kind=EntryKind.CONVERSION,
        lines=(
            Line(account=Account.CURRENCY_CONVERSION, currency=presented.currency, amount=presented.amount),
            Line(account=Account.STRIPE_CLEARING, currency=presented.currency, amount=-presented.amount),
            Line(account=Account.STRIPE_CLEARING, currency=on_balance.currency, amount=on_balance.amount),
            Line(account=Account.CURRENCY_CONVERSION, currency=on_balance.currency, amount=-on_balance.amount),
        ),
    )
