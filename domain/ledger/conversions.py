"""Conversions: the customer paid in one currency, and Stripe put the money on our balance in another.

The payment posts what the customer paid; the balance row says what became of it. Once both are known, in either order,
the conversion takes the first amount off the clearing account and puts the second one on it.
"""

from domain.ids import BalanceSourceId
from domain.ledger.accounts import Account
from domain.ledger.postings import EntryKind, Line, Posting
from domain.money import SignedMoney


def post_conversion(
    *, source_id: BalanceSourceId, category: str, presented: SignedMoney, on_balance: SignedMoney
) -> Posting:
    """Return the posting that turns what a payment posted into what the balance shows."""
    return Posting(
        source_id=source_id,
        category=category,
        kind=EntryKind.CONVERSION,
        lines=(
            Line(account=Account.CURRENCY_CONVERSION, amount=presented),
            Line(account=Account.STRIPE_CLEARING, amount=-presented),
            Line(account=Account.STRIPE_CLEARING, amount=on_balance),
            Line(account=Account.CURRENCY_CONVERSION, amount=-on_balance),
        ),
    )
