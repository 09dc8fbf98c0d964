"""A clock that stands at first: on a busy machine a breaker would be half-open before a test has seen it open."""

import time


class StandingClock:
    """Shows 0 seconds until it is let go, and from then on how long ago that was."""

    def __init__(self) -> None:
        self._left_at: float | None = None

    def __call__(self) -> float:
        return 0.0 if self._left_at is None else time.monotonic() - self._left_at

    def let_go(self) -> None:
        """Have time pass from now on."""
        self._left_at = time.monotonic()
