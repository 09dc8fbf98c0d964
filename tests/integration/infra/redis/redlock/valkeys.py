"""Several independent Valkeys that a test can kill, empty and freeze."""

import asyncio
import os
import signal
from dataclasses import dataclass
from typing import Protocol

from redis.asyncio import Redis

from infra.embedded.valkey import ValkeyServer
from infra.redis.redlock import Redlock


class Connect(Protocol):
    """Connects to the servers anew, as another process would."""

    async def __call__(self, *urls: str, guard: bool = False, timeout_ms: int = 400) -> Redlock: ...


@dataclass(frozen=True, kw_only=True)
class Valkeys:
    """The servers of a test. What it stops or freezes is mended for the next one."""

    servers: list[ValkeyServer]

    @property
    def urls(self) -> list[str]:
        return [server.url for server in self.servers]

    def kill(self, *numbers: int) -> None:
        for number in numbers:
            self.servers[number].kill()

    async def holders(self, name: str) -> list[bytes | None]:
        """Return who holds the lock at each server: a token or None."""
        found: list[bytes | None] = []
        for url in self.urls:
            async with Redis.from_url(url) as redis:
                holder = await redis.get(f"paystream:lock:{name}")
                assert holder is None or isinstance(holder, bytes)
                found.append(holder)
        return found

    async def restart_empty(self, *numbers: int) -> None:
        self.kill(*numbers)
        await asyncio.gather(*(self.servers[number].restart() for number in numbers))

    def freeze(self, *numbers: int) -> None:
        self._signal(signal.SIGSTOP, *numbers)

    def thaw(self, *numbers: int) -> None:
        self._signal(signal.SIGCONT, *numbers)

    def _signal(self, number: signal.Signals, *servers: int) -> None:
        for server in servers:
            pid = self.servers[server].pid
            assert pid is not None
            os.kill(pid, number)

    async def repair(self) -> None:
        for number, server in enumerate(self.servers):
            if server.running:
                self.thaw(number)
            else:
                await server.restart()
            await server.flush()
