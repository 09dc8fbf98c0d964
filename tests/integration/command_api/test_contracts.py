"""PostgreSQL and Redis keep the contract that the stand-ins keep."""

from uuid import UUID

import pytest
from redis.asyncio import Redis

from command_api.answer_cache import AnswerCache, RedisAnswerCache
from command_api.payment_log import Found, PostgresPaymentLog
from event_store.appends import AlreadySeen, Append, AppendResult, IdempotencyRecord
from event_store.group_commit import GroupCommit
from event_store.payments import LoadedPayment
from infra.postgres.pool import Pool
from tests.unit.command_api.protocol_contracts import AnswerCacheContract, EventStore, EventStoreContract

pytestmark = pytest.mark.integration


class PostgresEventStore:
    def __init__(self, pool: Pool) -> None:
        self._appender = GroupCommit(pool)
        self._log = PostgresPaymentLog(pool)

    async def append(self, item: Append) -> AppendResult:
        return await self._appender.append(item)

    async def find_answer(self, merchant_id: str, key: str) -> AlreadySeen | None:
        return await self._log.find_answer(merchant_id, key)

    async def remember(
        self, payment_id: UUID, merchant_id: str, version: int, record: IdempotencyRecord
    ) -> AlreadySeen | None:
        return await self._log.remember(payment_id, merchant_id, version, record)

    async def look_up(self, payment_id: UUID, merchant_id: str, key: str) -> Found:
        return await self._log.look_up(payment_id, merchant_id, key)

    async def load(self, payment_id: UUID) -> LoadedPayment:
        return await self._log.load(payment_id)

    async def load_as_of(self, position: int) -> LoadedPayment:
        return await self._log.load_as_of(position)


class TestPostgresEventStore(EventStoreContract):
    @pytest.fixture(autouse=True)
    def _on(self, pool: Pool) -> None:
        self._pool = pool

    def store(self) -> EventStore:
        return PostgresEventStore(self._pool)


class TestRedisAnswerCache(AnswerCacheContract):
    @pytest.fixture(autouse=True)
    def _on(self, redis: Redis) -> None:
        self._redis = redis

    def cache(self) -> AnswerCache:
        return RedisAnswerCache(self._redis, timeout_s=0.2, epoch=lambda: 1)
