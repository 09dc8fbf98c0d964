"""A lock server in memory, and a clock that is moved by hand; the contract tests run against it and the real one.

For unit tests only: what it keeps is in one process.
"""

from dataclasses import dataclass, field

from infra.redis.redlock.servers import Vote


@dataclass
class ManualClock:
    """Time stands still until it is moved."""

    now: float = 1000.0

    def __call__(self) -> float:
        """Return the time in seconds."""
        return self.now


@dataclass
class MemoryServer:
    """A `Server` whose acquisitions and extensions move the clock by `latency_s`; it was started at `started_at`.

    `votes` are answered instead of the truth, the first one first.
    """

    clock: ManualClock
    latency_s: float = 0.0
    votes: list[Vote] = field(default_factory=list)
    timeout_s: float = 0.01
    keys: dict[str, tuple[str, float]] = field(default_factory=dict)
    started_at: float = 0.0
    away: bool = False
    requested_uptime_s: int | None = None

    async def acquire(self, name: str, token: str, *, ttl_ms: int, least_uptime_s: int) -> Vote:
        """Set the key if it is free."""
        if self.clock.now - self.started_at < least_uptime_s:
            vote = self._vote(Vote.YOUNG)
        else:
            vote = self._vote(Vote.TAKEN if self.holder(name) else Vote.GRANTED)
        if vote is Vote.GRANTED:
            self._set(name, token, ttl_ms)
        self.requested_uptime_s = least_uptime_s
        self.clock.now += self.latency_s
        return vote

    async def extend(self, name: str, token: str, *, ttl_ms: int) -> Vote:
        """Let the key live longer if it is ours, and set it again if it is gone."""
        holder = self.holder(name)
        vote = self._vote(Vote.GRANTED if holder == token else Vote.TAKEN if holder else Vote.MISSING)
        if vote in {Vote.GRANTED, Vote.MISSING}:
            self._set(name, token, ttl_ms)
        self.clock.now += self.latency_s
        return vote

    async def release(self, name: str, token: str) -> None:
        """Remove the key if it is ours."""
        if not self.away and self.holder(name) == token:
            del self.keys[name]

    def holder(self, name: str) -> str | None:
        """Return the token of who has the key."""
        token, expires_at = self.keys.get(name, (None, 0.0))
        return token if expires_at > self.clock.now else None

    def _set(self, name: str, token: str, ttl_ms: int) -> None:
        self.keys[name] = (token, self.clock.now + ttl_ms / 1000)

    def _vote(self, truth: Vote) -> Vote:
        if self.away:
            return Vote.AWAY
        return self.votes.pop(0) if self.votes else truth
