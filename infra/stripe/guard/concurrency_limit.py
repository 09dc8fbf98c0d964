"""How many calls may be in flight at once: as many as get their answers in time.

After an outage everything that waited is called at once. If that is more than the other side can answer in time, all of
it times out, is called again, and the outage lasts by itself. So calls that got no answer halve what may be in flight,
and each that got one adds a little to it (as congestion control does: https://www.rfc-editor.org/rfc/rfc5681).
"""

from infra.stripe.guard import metrics
from infra.stripe.guard.priority import Priority
from infra.stripe.guard.priority_semaphore import PrioritySemaphore

_BACKS_OFF_TO = 0.5
_GROWS = 0.25
"""For each answer: a quarter more in the time that one call takes."""


class ConcurrencyLimit:
    """Places for calls, `most` at the most."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._semaphore = PrioritySemaphore(most)
        self._limit = float(most)
        self._decreases = 0
        self._show()

    @property
    def capacity(self) -> int | None:
        """How many may be in flight now; None while that is not less than usual."""
        return None if self._limit >= self._most else int(self._limit)

    async def acquire(self, priority: Priority = Priority.NORMAL) -> int:
        """Wait for a slot; `release` must follow, with what this returns."""
        await self._semaphore.acquire(priority)
        return self._decreases

    def release(self, began: int, *, answered: bool | None) -> None:
        """Leave. `answered`: whether the call got an answer; None when it says nothing, as when it was cut off.

        Many that were in flight together and got no answer are one sign, not many.
        """
        if answered:
            self._limit = min(self._most, self._limit + _GROWS)
        elif answered is False and began == self._decreases:
            self._limit = max(1.0, self._limit * _BACKS_OFF_TO)
            self._decreases += 1
        self._semaphore.resize(int(self._limit))
        self._semaphore.release()
        self._show()

    def _show(self) -> None:
        metrics.MOST_IN_FLIGHT.set(int(self._limit))
