"""Locks a name for a while after too many attempts in a row that failed, whether it is somebody's or not.

It is known to this process alone, and until it ends. The lock of an operator is in `back_office.staff.locks`.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

_MOST_NAMES = 10_000
"""Of nobody's names that are remembered: more are a flood of guesses, and then the oldest are forgotten."""


@dataclass(slots=True)
class _Failures:
    count: int = 0
    locked_until: float = 0.0


class Lockout:
    """Counts failures by name. Those of `accounts` are never forgotten for others: no flood of names opens one."""

    def __init__(
        self,
        *,
        failures: int,
        locked_s: float,
        accounts: Iterable[str],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._allowed = failures
        self._accounts = frozenset(name.casefold() for name in accounts)
        self._locked_s = locked_s
        self._now = now
        self._of_accounts: dict[str, _Failures] = {}
        self._of_nobody = OrderedDict[str, _Failures]()

    def locked_for_s(self, name: str) -> float:
        """Return for how long the name stays locked; 0 when it is not."""
        failures = self._kept_in(name).get(name.casefold())
        return max(0.0, failures.locked_until - self._now()) if failures else 0.0

    def unlock(self, name: str) -> bool:
        """Let a name try again; return whether it was locked."""
        was_locked = self.locked_for_s(name) > 0
        self.succeeded(name)
        return was_locked

    def attempt(self, name: str) -> bool:
        """Count an attempt, as failed until `succeeded`; return whether the name is locked by it.

        Before the password is looked at: of many guesses at the same instant, no more are looked at than of as many
        one by one.
        """
        failures = self._kept_in(name).setdefault(name.casefold(), _Failures())
        if name.casefold() in self._of_nobody:
            self._of_nobody.move_to_end(name.casefold())
        while len(self._of_nobody) > _MOST_NAMES:
            self._of_nobody.popitem(last=False)
        failures.count += 1
        if failures.count < self._allowed:
            return False
        failures.count, failures.locked_until = 0, self._now() + self._locked_s
        return True

    def succeeded(self, name: str) -> None:
        """Forget the failures of a name."""
        self._kept_in(name).pop(name.casefold(), None)

    def _kept_in(self, name: str) -> dict[str, _Failures]:
        return self._of_accounts if name.casefold() in self._accounts else self._of_nobody
