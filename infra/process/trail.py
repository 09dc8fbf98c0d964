"""How long a follower of a growing sequence has lacked something, by where the sequence was known to end, and when."""

import time
from bisect import bisect_right
from collections.abc import Callable

_MOST = 1000


class Trail:
    """Where a sequence (of offsets, of bytes) ended at which moment, since this process looks at it.

    A follower that lacks something from before the first look is taken to lack it since then.
    """

    def __init__(self, *, most: int = _MOST, clock: Callable[[], float] = time.monotonic) -> None:
        """Of more moments than `most` every other one is forgotten: times are then a little too short."""
        self._most = most
        self._clock = clock
        self._ends: list[int] = []
        self._moments: list[float] = []

    @property
    def end(self) -> int | None:
        """Where it ended at the last look; None before the first."""
        return self._ends[-1] if self._ends else None

    def note(self, end: int) -> None:
        """Note where it ends now. One that ends earlier than before is another sequence: it begins anew."""
        if self._ends and end < self._ends[-1]:
            self._ends, self._moments = [], []
        if self._ends and end == self._ends[-1]:
            return
        self._ends.append(end)
        self._moments.append(self._clock())
        if len(self._ends) > self._most:
            others = slice((len(self._ends) - 1) % 2, None, 2)  # with the last
            self._ends, self._moments = self._ends[others], self._moments[others]

    def lacking_s(self, reached: int) -> float:
        """Return for how many seconds there has been something behind `reached`; 0 when there is nothing."""
        first = bisect_right(self._ends, reached)
        return self._clock() - self._moments[first] if first < len(self._ends) else 0.0
