"""Back-off: the pause before another attempt grows with each failure in a row, up to a longest one.

A module of our own, as `tenacity` and `stamina` wrap a function that they call again by themselves. Here attempts are
counted in rows of a table, by a breaker or by a supervisor, and a pause ends early when a process is asked to stop.
"""

from collections.abc import Callable
from dataclasses import dataclass

_MOST_DOUBLINGS = 30  # more would overflow, and no pause is that long


@dataclass(frozen=True, kw_only=True, slots=True)
class Backoff:
    """Pauses from `first_s` to `longest_s`, each `factor` times the one before."""

    first_s: float
    longest_s: float
    factor: float = 2.0

    def pause_s(self, failures: int) -> float:
        """Return the pause after so many failures in a row, which count from 1."""
        return min(self.longest_s, self.first_s * self.factor ** min(failures - 1, _MOST_DOUBLINGS))

    def jittered_s(self, failures: int, uniform: Callable[[float, float], float]) -> float:
        """Return any pause up to that one ("full jitter"), so that those who failed together do not return together.

        https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
        """
        return uniform(0.0, self.pause_s(failures))


class Pauses:
    """The pauses of one loop: each failure makes the next longer, a success makes it the first again."""

    def __init__(self, backoff: Backoff) -> None:
        self._backoff = backoff
        self._failures = 0

    def failed(self) -> float:
        """Count a failure, and return the pause in seconds before the next attempt."""
        self._failures += 1
        return self._backoff.pause_s(self._failures)

    def succeeded(self) -> None:
        """Begin with the first pause again."""
        self._failures = 0
