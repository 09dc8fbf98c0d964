"""When a task last showed that it is alive, for its liveness check."""

import time


class Heartbeat:
    """Called by the task, and by what it calls, whenever something moves."""

    def __init__(self) -> None:
        self._at = time.monotonic()

    def __call__(self) -> None:
        """Note that something moves."""
        self._at = time.monotonic()

    @property
    def silent_s(self) -> float:
        """For how many seconds nothing has moved."""
        return time.monotonic() - self._at
