"""Reports which open transaction holds the relay up: one that drew a position and has not ended."""

from collections.abc import Callable
from time import monotonic

import structlog

from event_store.relay import metrics
from event_store.store import QUERIES, Connection

log = structlog.get_logger(__name__)

_NAMED_AFTER_S = 3.0
_AGAIN_AFTER_S = 60.0


class GapWatch:
    """Checks only while the reader waits at a gap. `reason` says what it waits for, once that has taken seconds."""

    def __init__(self, connection: Connection, clock: Callable[[], float] = monotonic) -> None:
        self._connection = connection
        self._clock = clock
        self._since: float | None = None
        self._logged_at: float | None = None
        self.reason: str | None = None

    async def check(self, position: int, *, waits: bool) -> None:
        """Record whether the reader waits after `position`, and for which transactions."""
        if not waits:
            self._since = self._logged_at = self.reason = None
            metrics.GAP_WAIT.set(0)
            return
        now = self._clock()
        self._since = now if self._since is None else self._since
        waited = now - self._since
        metrics.GAP_WAIT.set(waited)
        if waited < _NAMED_AFTER_S:
            return
        found = await self._open_transactions()
        self.reason = f"events after position {position} wait for an open transaction: {'; '.join(found) or 'unknown'}"
        if self._logged_at is None or now - self._logged_at >= _AGAIN_AFTER_S:
            self._logged_at = now
            log.error("relay_waits_for_transaction", position=position, waited_s=round(waited), transactions=found)

    async def _open_transactions(self) -> list[str]:
        rows = await (await self._connection.execute(QUERIES["position_blockers"])).fetchall()
        return [
            "a prepared transaction (see pg_prepared_xacts)"
            if pid is None
            else f"pid {pid}, database {database}, user {user}, open for {age_s or 0:.0f} s"
            for pid, database, user, age_s in rows
        ]
