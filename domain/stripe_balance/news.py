"""What of a payout, as it is read again and again, is worth recording."""

from collections.abc import Sequence

from domain.stripe_balance.events import PayoutChanged


def payout_news(known: Sequence[PayoutChanged], read: PayoutChanged) -> tuple[PayoutChanged, ...]:
    """Return the event to record of a payout, given those recorded: only another status than the last is news."""
    return () if known and known[-1].status is read.status else (read,)
