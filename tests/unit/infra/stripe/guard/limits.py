"""A rate limit over a shared bucket in memory."""

from infra.stripe.guard.bucket import Pace, Turn
from infra.stripe.guard.fakes import ManualClock, MemoryBucket
from infra.stripe.guard.rate_limit import RateLimit

PACE = Pace(limit=111)  # 100 calls a second at most


def shared_bucket(*turns: Turn, away: bool = False, clock: ManualClock | None = None) -> MemoryBucket:
    return MemoryBucket(PACE, turns=list(turns), away=away, clock=clock or ManualClock())


def limit_over(shared: MemoryBucket, *, processes: int = 2, max_wait_s: float = 5) -> RateLimit:
    return RateLimit(PACE, shared, processes=processes, max_wait_s=max_wait_s, clock=shared.clock)
