"""How many calls may be in flight at once: as many as get their answers in time.

After an outage everything that waited is called at once. If that is more than the other side can answer in time, all of
it times out, is called again, and the outage lasts by itself. So calls that got no answer halve what may be in flight,
and each that got one adds a little to it (as congestion control does: https://www.rfc-editor.org/rfc/rfc5681).
"""

from infra.stripe.guard import metrics
from infra.stripe.guard.line import Line

_CUT = 0.5
_GROWS = 0.25
"""For each answer: a quarter more in the time that one call takes."""


class InFlight:
    """Places for calls, `most` at the most."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._line = Line(most)
        self._limit = float(most)
        self._cuts = 0
        self._show()

    @property
    def room(self) -> int | None:
        """How many may be in flight now; None while that is not less than usual."""
        return None if self._limit >= self._most else int(self._limit)

    async def take(self, *, first: bool = False) -> int:
        """Wait for a place; `give_back` must follow, with what this returns."""
        await self._line.take(first=first)
        return self._cuts

    def give_back(self, began: int, *, answered: bool | None) -> None:
        """Leave. `answered`: whether the call got an answer; None when it says nothing, as when it was cut off.

        Many that were in flight together and got no answer are one sign, not many.
        """
        if answered:
            self._limit = min(self._most, self._limit + _GROWS)
        elif answered is False and began == self._cuts:
            self._limit = max(1.0, self._limit * _CUT)
            self._cuts += 1
        self._line.resize(int(self._limit))
        self._line.give_back()
        self._show()

    def _show(self) -> None:
        metrics.MOST_IN_FLIGHT.set(int(self._limit))
