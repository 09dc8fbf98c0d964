"""When compensations are tried again, and when an operator is called."""

from dataclasses import dataclass

_MOST_DOUBLINGS = 30


@dataclass(frozen=True, kw_only=True, slots=True)
class CompensationPolicy:
    """Pauses double from ``first_retry_s`` to ``longest_retry_s``.

    An operator is called after ``stuck_failures`` of one leg, or ``stuck_after_s`` after compensation started. It is
    tried again all the same.
    """

    first_retry_s: float = 5.0
    longest_retry_s: float = 3600.0
    stuck_failures: int = 8
    stuck_after_s: float = 3600.0
    hold_margin_s: float = 3600.0
    """So long before a hold ends, it is taken as too late to wait for other legs."""

    def pause_s(self, failures: int) -> float:
        """Return the pause after so many failures, which count from 1."""
        return min(self.longest_retry_s, self.first_retry_s * 2.0 ** min(failures - 1, _MOST_DOUBLINGS))


POLICY = CompensationPolicy()
