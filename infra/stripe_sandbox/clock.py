"""The sandbox's own clock: it can be moved ahead and made to run faster, so that a week passes in a test.

Everything that the sandbox dates and waits for goes by it: authorizations, refunds, disputes, payouts and the retries
of webhooks. Signatures alone carry the real time, which is what a receiver compares them with.
"""

from infra.stripe_sandbox.ids import Clock
from infra.stripe_sandbox.store import Store


class SandboxClock:
    """Unix seconds. It never goes back. The store keeps it, so a restart continues where it was."""

    def __init__(self, store: Store, real: Clock) -> None:
        self._store = store
        self.real = real
        self._real_time, self._sandbox_time, self.rate = self._read()

    def __call__(self) -> float:
        """Return the time."""
        return self._sandbox_time + (self.real() - self._real_time) * self.rate

    def advance(self, seconds: float) -> None:
        """Move it ahead, inside the caller's transaction."""
        self._set(self() + seconds, self.rate)

    def run_at(self, rate: float) -> None:
        """Make it run this many times as fast as real time from now on, inside the caller's transaction."""
        self._set(self(), rate)

    def real_seconds_until(self, time: float) -> float:
        """Return how long to wait for a time of this clock, 0 when it has passed."""
        return max(0.0, (time - self()) / self.rate)

    def reset(self) -> None:
        """Show the real time again, after the store has forgotten everything."""
        self._real_time, self._sandbox_time, self.rate = self._read()

    def _set(self, sandbox_time: float, rate: float) -> None:
        real_time = self.real()
        self._store.execute("set_clock", real_time=real_time, sandbox_time=sandbox_time, rate=rate)
        self._real_time, self._sandbox_time, self.rate = real_time, sandbox_time, rate

    def _read(self) -> tuple[float, float, float]:
        row: tuple[float, float, float] | None = self._store.execute("read_clock").fetchone()
        return (0.0, 0.0, 1.0) if row is None else row
