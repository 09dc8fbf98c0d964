"""What the fixture `process` gives."""

from typing import Protocol

from infra.stripe.guard.bucket import Pace
from infra.stripe.guard.rate_limit import RateLimit


class StartProcess(Protocol):
    """Makes the rate limit of another process."""

    def __call__(self, pace: Pace, *, processes: int = 1, max_wait_s: float = 30) -> RateLimit: ...
