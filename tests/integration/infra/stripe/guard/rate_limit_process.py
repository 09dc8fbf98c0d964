"""What the fixture `process` gives."""

from typing import Protocol

from infra.stripe.guard.rate_limit import RateLimit
from infra.stripe.guard.token_bucket import TokenBucketRules


class StartProcess(Protocol):
    """Makes the rate limit of another process."""

    def __call__(self, rules: TokenBucketRules, *, processes: int = 1, max_wait_s: float = 30) -> RateLimit: ...
