"""What every lock server must do, in memory or for real."""

import uuid
from abc import ABC, abstractmethod

from infra.redis.redlock.servers import Server, Vote
from tests.support.waiting import eventually

LONG_MS = 60_000
SHORT_MS = 400
NOT_TOO_SHORT_MS = 1_000
"""For what must be done before it is over."""
LONGER_THAN_ANY_UPTIME_S = 10**9


def new_name() -> str:
    return f"contract:{uuid.uuid4()}"


async def acquired(server: Server, name: str, token: str, *, ttl_ms: int = LONG_MS) -> Vote:
    return await server.acquire(name, token, ttl_ms=ttl_ms, least_uptime_s=0)


async def becomes_free(server: Server, name: str) -> None:
    """Wait until the key is over, by having it; each request takes some time, also of a clock that is moved by hand."""
    await eventually(lambda: acquired(server, name, "the next"), lambda vote: vote is Vote.GRANTED)


class ServerContract(ABC):
    @abstractmethod
    def server(self) -> Server:
        """Return one that has been up for a while."""

    @abstractmethod
    def server_away(self) -> Server:
        """Return one that does not answer."""

    async def test_a_key_is_granted_to_the_first_alone(self) -> None:
        server, name = self.server(), new_name()
        assert await acquired(server, name, "one") is Vote.GRANTED
        assert await acquired(server, name, "other") is Vote.TAKEN
        assert await acquired(server, name, "one") is Vote.TAKEN  # having it is no way to have it twice
        assert await acquired(server, new_name(), "other") is Vote.GRANTED

    async def test_a_key_is_over_after_its_ttl(self) -> None:
        server, name = self.server(), new_name()
        await acquired(server, name, "one", ttl_ms=SHORT_MS)
        await becomes_free(server, name)
        assert await acquired(server, name, "one") is Vote.TAKEN

    async def test_the_holder_alone_releases(self) -> None:
        server, name = self.server(), new_name()
        await acquired(server, name, "one")
        await server.release(name, "other")
        assert await acquired(server, name, "other") is Vote.TAKEN
        await server.release(name, "one")
        assert await acquired(server, name, "other") is Vote.GRANTED
        await server.release(name, "one")
        assert await acquired(server, name, "one") is Vote.TAKEN
        await server.release(new_name(), "one")  # of what nobody has, nothing comes

    async def test_an_extended_key_lasts_longer(self) -> None:
        server, name, measure = self.server(), new_name(), new_name()
        await acquired(server, name, "one", ttl_ms=NOT_TOO_SHORT_MS)
        assert await server.extend(name, "one", ttl_ms=LONG_MS) is Vote.GRANTED
        await acquired(server, measure, "one", ttl_ms=NOT_TOO_SHORT_MS)
        await becomes_free(server, measure)
        assert await acquired(server, name, "other") is Vote.TAKEN

    async def test_an_extension_counts_from_now_and_is_not_added(self) -> None:
        server, name = self.server(), new_name()
        await acquired(server, name, "one", ttl_ms=LONG_MS)
        assert await server.extend(name, "one", ttl_ms=SHORT_MS) is Vote.GRANTED
        await becomes_free(server, name)

    async def test_another_holders_key_is_not_extended(self) -> None:
        server, name = self.server(), new_name()
        await acquired(server, name, "one", ttl_ms=NOT_TOO_SHORT_MS)
        assert await server.extend(name, "other", ttl_ms=LONG_MS) is Vote.TAKEN
        await becomes_free(server, name)

    async def test_a_key_that_is_gone_is_set_again_which_is_no_vote(self) -> None:
        server, name = self.server(), new_name()
        assert await server.extend(name, "one", ttl_ms=LONG_MS) is Vote.MISSING
        assert await acquired(server, name, "other") is Vote.TAKEN
        assert await server.extend(name, "one", ttl_ms=SHORT_MS) is Vote.GRANTED
        await becomes_free(server, name)

    async def test_a_key_that_is_set_again_is_over_after_its_ttl(self) -> None:
        server, name = self.server(), new_name()
        assert await server.extend(name, "one", ttl_ms=SHORT_MS) is Vote.MISSING
        await becomes_free(server, name)

    async def test_a_young_server_does_not_vote_and_takes_nothing(self) -> None:
        server, name = self.server(), new_name()
        vote = await server.acquire(name, "one", ttl_ms=LONG_MS, least_uptime_s=LONGER_THAN_ANY_UPTIME_S)
        assert vote is Vote.YOUNG
        assert await acquired(server, name, "other") is Vote.GRANTED
        vote = await server.acquire(name, "one", ttl_ms=LONG_MS, least_uptime_s=LONGER_THAN_ANY_UPTIME_S)
        assert vote is Vote.YOUNG  # also of a key that is taken

    async def test_a_server_that_is_away_says_so_and_raises_nothing(self) -> None:
        server, name = self.server_away(), new_name()
        assert server.timeout_s > 0
        assert await acquired(server, name, "one") is Vote.AWAY
        assert await server.extend(name, "one", ttl_ms=LONG_MS) is Vote.AWAY
        await server.release(name, "one")
