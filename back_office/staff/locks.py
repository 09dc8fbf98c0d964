"""Who of the staff is locked, as the command API has it.

A log-in asks it anew, and fails while it does not answer. Pages of open sessions ask it once in two seconds at most,
all of this process together; while it does not answer, what was known last goes on to count.
"""

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import structlog
from prometheus_client import Counter

from back_office.apis.client import Api
from back_office.apis.errors import ApiError, Json
from back_office.staff.sessions import Session

log = structlog.get_logger(__name__)

UNKNOWN = Counter("back_office_lock_checks_failed_total", "Times that pages could not ask who of the staff is locked")

_KNOWN_FOR_S = 2.0
_PAGES_WAIT_S = 1.0
"""For an answer: a page must not hang because the command API does."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StaffLock:
    """How somebody is who was locked at some time: `actor`, `reason` and `changed_at` are of the last change."""

    is_locked: bool
    actor: str
    reason: str
    changed_at: str
    lock_position: int

    @classmethod
    def of(cls, found: Json) -> "StaffLock":
        """Return it as the command API tells it."""
        return cls(**{name: found[name] for name in cls.__slots__})


class KnownLocks:
    """The locks at one moment."""

    def __init__(self, found: Iterable[Json] = ()) -> None:
        self._by_name = {each["name"]: StaffLock.of(each) for each in found}

    def of(self, name: str) -> StaffLock | None:
        """Return the lock that keeps somebody out; None: they may log in."""
        lock = self._by_name.get(name.casefold())
        return lock if lock is not None and lock.is_locked else None

    def last_position(self, name: str) -> int:
        """Return the position of the event that locked somebody, or ended their sessions, last; 0 for never."""
        lock = self._by_name.get(name.casefold())
        return 0 if lock is None else lock.lock_position

    def has_ended(self, session: Session) -> bool:
        """Whether somebody is locked, or was, or had all sessions ended, since their session began; positions rise."""
        name = session.account.name
        return self.of(name) is not None or self.last_position(name) > session.lock_position


class StaffLocks:
    """Asks for the locks, and knows them for a moment."""

    def __init__(self, api: Api, *, now: Callable[[], float] = time.monotonic) -> None:
        self._api = api
        self._now = now
        self._known = KnownLocks()
        self._known_of = float("-inf")
        self._tried_at = float("-inf")
        self._turn = asyncio.Lock()

    async def current(self) -> KnownLocks:
        """Ask now. Raises ApiAway and ApiRefused."""
        began = self._now()
        found = KnownLocks((await self._api.get("/staff-locks")).body["data"])
        if began >= self._known_of:  # of two that are asked for at once, the answer to the later one counts
            self._known, self._known_of = found, began
            self._tried_at = max(self._tried_at, began)
        return found

    async def recent(self) -> KnownLocks:
        """Return what was known two seconds ago at the earliest; the last that was, while nobody can be asked."""
        if self._is_stale():
            async with self._turn:
                if self._is_stale():
                    await self._look()
        return self._known

    def forget(self) -> None:
        """Ask anew at the next page: something was changed."""
        self._tried_at = float("-inf")

    def _is_stale(self) -> bool:
        return self._now() - self._tried_at > _KNOWN_FOR_S

    async def _look(self) -> None:
        try:
            async with asyncio.timeout(_PAGES_WAIT_S):
                await self.current()
        except (ApiError, TimeoutError) as error:
            UNKNOWN.inc()
            log.warning("staff_locks_unknown", error=str(error) or type(error).__name__)
        self._tried_at = self._now()
