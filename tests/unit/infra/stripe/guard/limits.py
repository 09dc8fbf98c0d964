"""A rate limit over a shared bucket in memory."""

from infra.stripe.guard.fakes import ManualClock, MemoryTokenBucket
from infra.stripe.guard.rate_limit import RateLimit
from infra.stripe.guard.token_bucket import Reservation, TokenBucketRules

PACE = TokenBucketRules(limit=111)  # 100 calls a second at most


def shared_bucket(
    *reservations: Reservation, away: bool = False, clock: ManualClock | None = None
) -> MemoryTokenBucket:
    return MemoryTokenBucket(PACE, reservations=list(reservations), away=away, clock=clock or ManualClock())


def limit_over(shared: MemoryTokenBucket, *, processes: int = 2, max_wait_s: float = 5) -> RateLimit:
    return RateLimit(PACE, shared, processes=processes, max_wait_s=max_wait_s, clock=shared.clock)
