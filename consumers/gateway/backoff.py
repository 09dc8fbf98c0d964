"""When to try again: capped exponential back-off with full jitter.

Source: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
"""

from collections.abc import Callable

BASE_S = 0.5
CAP_S = 60.0


def delay_s(
    attempts: int, *, floor_s: float = 0.0, cap_s: float = CAP_S, uniform: Callable[[float, float], float]
) -> float:
    """Return the seconds until the next attempt after `attempts` (from 1) failed ones, from `floor_s` to `cap_s`."""
    ceiling = min(cap_s, BASE_S * 2.0 ** min(attempts - 1, 20))
    return max(floor_s, uniform(0.0, ceiling))
