"""What the command API reads from the event store before it decides, and remembers when there is nothing to append."""

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from event_store.appends import AlreadySeen, IdempotencyRecord
from event_store.payments import LoadedPayment, load_payment, load_payment_as_of
from event_store.store import find_idempotency, remember
from infra.postgres.pool import Pool


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """A payment, and the answer already stored under the request's key, which is at least as new as the payment."""

    payment: LoadedPayment
    answer: AlreadySeen | None


class PaymentLog(Protocol):
    """Reads payments and stored answers. Raises infra.postgres.pool.DatabaseUnavailable."""

    async def find_answer(self, merchant_id: str, key: str) -> AlreadySeen | None:
        """Return the answer that is stored under the key."""

    async def look_up(self, payment_id: UUID, merchant_id: str, key: str) -> Found:
        """Return the payment and the answer under the key."""

    async def load(self, payment_id: UUID) -> LoadedPayment:
        """Return the payment."""

    async def load_as_of(self, position: int) -> LoadedPayment:
        """Return the payment that has its event at a position, as it was then."""

    async def remember(
        self, payment_id: UUID, merchant_id: str, version: int, record: IdempotencyRecord
    ) -> AlreadySeen | None:
        """Store the answer of a command that appended nothing; return the stored one if the key is known."""


class PostgresPaymentLog:
    """A `PaymentLog` on the event store."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def find_answer(self, merchant_id: str, key: str) -> AlreadySeen | None:
        """Return the answer that is stored under the key."""
        async with self._pool.connection() as connection:
            return await find_idempotency(connection, merchant_id, key)

    async def look_up(self, payment_id: UUID, merchant_id: str, key: str) -> Found:
        """Load the payment first and the answer second: a twin's refund that is in the payment has its answer found.

        The other way round, the twin could commit in between, and this request would be refused for its own refund.
        """
        async with self._pool.connection() as connection:
            payment = await load_payment(connection, payment_id)
            answer = await find_idempotency(connection, merchant_id, key)
        return Found(payment=payment, answer=answer)

    async def load(self, payment_id: UUID) -> LoadedPayment:
        """Return the payment at its newest version."""
        async with self._pool.connection() as connection:
            return await load_payment(connection, payment_id)

    async def load_as_of(self, position: int) -> LoadedPayment:
        """Return the payment that has its event at a position, as it was then."""
        async with self._pool.connection() as connection:
            return await load_payment_as_of(connection, position)

    async def remember(
        self, payment_id: UUID, merchant_id: str, version: int, record: IdempotencyRecord
    ) -> AlreadySeen | None:
        """Store the answer; committed when this returns."""
        async with self._pool.connection() as connection:
            return await remember(connection, record, merchant_id=merchant_id, stream_id=payment_id, version=version)
