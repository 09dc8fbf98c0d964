"""Which stream a fact is in: made of Stripe's id, so that whoever learns of it first takes the one place there is."""

from uuid import UUID, uuid5

_NAMESPACE = UUID("7b0f5f0e-3c0c-5b53-9d0e-6a1b8d5c2e41")


def transaction_stream(transaction_id: str) -> UUID:
    """Return the stream of a balance transaction: it holds one event."""
    return uuid5(_NAMESPACE, f"txn:{transaction_id}")


def payout_stream(payout_id: str) -> UUID:
    """Return the stream of a payout: it holds an event for each status that was seen."""
    return uuid5(_NAMESPACE, f"payout:{payout_id}")
