"""Which columns the list of payments has; the choice stands in the address."""

from collections.abc import Iterable

COLUMNS = {
    "made": "Made",
    "amount": "Amount",
    "state": "State",
    "user": "User",
    "captured": "Captured",
    "refunded": "Refunded",
    "refusal": "Refused with",
    "dispute": "Dispute",
    "intent": "At Stripe",
    "key": "Idempotency key",
    "changed": "Changed",
}
USUAL = ("made", "amount", "state", "user")


def chosen(given: Iterable[str]) -> tuple[str, ...]:
    """Return the columns that are meant, in their order: the usual ones where none is known."""
    meant = {name for text in given for name in text.split(",")}
    return tuple(name for name in COLUMNS if name in meant) or USUAL
