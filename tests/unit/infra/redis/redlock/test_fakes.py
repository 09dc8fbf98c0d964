"""The lock server in memory keeps the contract of the real one."""

from infra.redis.redlock.fakes import ManualClock, MemoryServer
from infra.redis.redlock.servers import Server
from tests.unit.infra.redis.redlock.server_contract import ServerContract


class TestMemoryServer(ServerContract):
    def server(self) -> Server:
        return MemoryServer(clock=ManualClock(), latency_s=0.1)

    def server_away(self) -> Server:
        return MemoryServer(clock=ManualClock(), away=True)
