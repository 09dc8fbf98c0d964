"""How long answers take: before the effect, or after it, when a client may already have given up."""

import asyncio
import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace


@dataclass(frozen=True, kw_only=True, slots=True)
class Delays:
    """Milliseconds; `jitter_ms` adds up to itself to the delay before the effect."""

    before_ms: int = 0
    after_ms: int = 0
    jitter_ms: int = 0


@dataclass(kw_only=True, slots=True)
class Latency:
    """The delays that are in force. They are waited outside of every transaction, so requests overlap."""

    delays: Delays = field(default_factory=Delays)
    rng: random.Random = field(default_factory=random.Random)

    def change(self, milliseconds: Mapping[str, int]) -> None:
        """Put some of the delays to other values, by their names."""
        self.delays = replace(self.delays, **milliseconds)

    async def before(self) -> None:
        """Wait as a request that has not done anything yet."""
        jitter = self.delays.jitter_ms
        await _sleep(self.delays.before_ms + (self.rng.uniform(0, jitter) if jitter else 0))

    async def after(self) -> None:
        """Wait as an answer on its way: its effect is committed and its idempotency key is settled."""
        await _sleep(self.delays.after_ms)


async def _sleep(delay_ms: float) -> None:
    if delay_ms > 0:
        await asyncio.sleep(delay_ms / 1000)
