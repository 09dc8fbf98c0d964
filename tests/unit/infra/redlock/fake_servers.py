"""Lock servers and a clock that a test moves by hand."""

from dataclasses import dataclass, field

from infra.redlock.servers import Vote


@dataclass
class Clock:
    """Time stands still until it is moved."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class FakeServer:
    """A `Server` in memory. Each request moves the clock by `latency_s`; `votes` are answered instead of the truth."""

    clock: Clock
    latency_s: float = 0.0
    votes: list[Vote] = field(default_factory=list)
    timeout_s: float = 0.01
    keys: dict[str, tuple[str, float]] = field(default_factory=dict)

    async def acquire(self, name: str, token: str, *, ttl_ms: int, least_uptime_s: int) -> Vote:
        vote = self._vote(Vote.TAKEN if self.holder(name) else Vote.GRANTED)
        if vote is Vote.GRANTED:
            self.keys[name] = (token, self.clock.now + ttl_ms / 1000)
        self.asked_for_uptime_s = least_uptime_s
        self.clock.now += self.latency_s
        return vote

    async def extend(self, name: str, token: str, *, ttl_ms: int) -> Vote:
        holder = self.holder(name)
        vote = self._vote(Vote.GRANTED if holder == token else Vote.TAKEN if holder else Vote.MISSING)
        if vote in {Vote.GRANTED, Vote.MISSING}:
            self.keys[name] = (token, self.clock.now + ttl_ms / 1000)
        self.clock.now += self.latency_s
        return vote

    async def release(self, name: str, token: str) -> None:
        if self.holder(name) == token:
            del self.keys[name]

    def holder(self, name: str) -> str | None:
        token, expires_at = self.keys.get(name, (None, 0.0))
        return token if expires_at > self.clock.now else None

    def _vote(self, truth: Vote) -> Vote:
        return self.votes.pop(0) if self.votes else truth
