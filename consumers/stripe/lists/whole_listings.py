"""When a list that is read quickly most of the time is read as a whole."""

import time
from collections.abc import Callable


class WholeListings:
    """The first listing of a process is a whole one, and then one each `interval_s`, from begin to begin.

    One that was not read to its end stays due.
    """

    def __init__(self, interval_s: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._interval_s = interval_s
        self._clock = clock
        self._due_at = self._begins_at = float("-inf")

    def begin(self) -> bool:
        """Return whether the listing that begins now is to be a whole one."""
        self._begins_at = self._clock()
        return self._begins_at >= self._due_at

    def ended(self) -> None:
        """Take note that the whole listing which began last was read to its end."""
        self._due_at = self._begins_at + self._interval_s
