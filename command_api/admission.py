"""Refuses early what could not be carried out soon: a bounded queue, and a 503 in a few milliseconds beyond it."""

from prometheus_client import Counter

from command_api.errors import Overloaded

REFUSED = Counter("commands_overloaded_total", "Commands and webhooks refused as too many were under way", ["what"])


MOST_IN_PROGRESS = 512
"""Unless COMMAND_API_MAX_IN_PROGRESS says otherwise."""


class Admission:
    """At most `limit` at a time; who comes beyond is told to come again."""

    def __init__(self, what: str, limit: int = MOST_IN_PROGRESS) -> None:
        self._limit = limit
        self._in_progress = 0
        self._refused = REFUSED.labels(what)

    def enter(self) -> None:
        """Admit one; `leave` must follow. Raises Overloaded."""
        if self._in_progress >= self._limit:
            self._refused.inc()
            raise Overloaded(self._limit)
        self._in_progress += 1

    def leave(self) -> None:
        """Note that one is done."""
        self._in_progress -= 1
