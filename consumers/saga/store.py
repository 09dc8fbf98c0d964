"""The rows of `consumers.sagas`: when each saga is due, and which streams concern it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from psycopg.rows import class_row, scalar_row

from domain.ids import MerchantId
from domain.saga.status import SagaStatus
from infra.postgres.pool import Connection
from infra.postgres.queries import Queries

_SQL = Queries.load(Path(__file__).with_name("store.sql"))
_LONGEST_ERROR = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class NewSaga:
    """A saga that was requested. Its id is that of its stream."""

    saga_id: UUID
    kind: str
    merchant_id: MerchantId
    correlation_id: str
    traceparent: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class DueSaga(NewSaga):
    """A saga that is due, locked until the transaction ends. `now` is the database's time, in Unix seconds."""

    status: str
    participants: int
    failures: int
    now: float


@dataclass(frozen=True, kw_only=True, slots=True)
class SteppedSaga:
    """Where a saga stands after a step. `due_at` is in Unix seconds; None: it waits for events alone."""

    saga_id: UUID
    status: SagaStatus
    due_at: float | None
    participants: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ListedSaga:
    """A saga as operators see it. `found`: how many there are in all."""

    saga_id: UUID
    kind: str
    status: str
    created_at: datetime
    status_since: datetime
    due_at: datetime | None
    failures: int
    last_error: str | None
    found: int


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredSaga(NewSaga):
    """One saga as operators see it."""

    status: str
    created_at: datetime
    status_since: datetime
    due_at: datetime | None
    failures: int
    last_error: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenSagas:
    """How many sagas of a kind have a status, and for how long one of them has had it."""

    kind: str
    status: str
    sagas: int
    longest_s: float


async def add(conn: Connection, sagas: Sequence[NewSaga]) -> None:
    """Write sagas that were requested; each is due at once."""
    await conn.execute(
        _SQL.add,
        {
            "saga_ids": [each.saga_id for each in sagas],
            "kinds": [each.kind for each in sagas],
            "merchant_ids": [each.merchant_id for each in sagas],
            "correlation_ids": [each.correlation_id for each in sagas],
            "traceparents": [each.traceparent for each in sagas],
        },
    )


async def wake(conn: Connection, stream_ids: Collection[UUID]) -> None:
    """Have the sagas looked at that these streams concern; most concern none."""
    await conn.execute(_SQL.wake, {"stream_ids": list(stream_ids)})


async def next_due_s(conn: Connection, kinds: Collection[str]) -> float | None:
    """Return in how many seconds the next saga is due, 0 and below for now; None when none has a timer."""
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(_SQL.next_due_s, {"kinds": list(kinds)})
        found: float | None = await cursor.fetchone()
        return found


async def lock_due(conn: Connection, kinds: Collection[str], *, limit: int) -> list[DueSaga]:
    """Return sagas that are due, the longest first, and hold them until the transaction ends."""
    async with conn.cursor(row_factory=class_row(DueSaga)) as cursor:
        await cursor.execute(_SQL.lock_due, {"kinds": list(kinds), "limit": limit})
        return await cursor.fetchall()


async def lock_one(conn: Connection, saga_id: UUID) -> DueSaga | None:
    """Do so for one; None when it is not due any more, or another worker holds it."""
    async with conn.cursor(row_factory=class_row(DueSaga)) as cursor:
        await cursor.execute(_SQL.lock_one, {"saga_id": saga_id})
        return await cursor.fetchone()


async def write_steps(conn: Connection, stepped: Sequence[SteppedSaga]) -> None:
    """Write where sagas stand that are held in this transaction."""
    await conn.execute(
        _SQL.write_steps,
        {
            "saga_ids": [each.saga_id for each in stepped],
            "statuses": [each.status.value for each in stepped],
            "due_at": [each.due_at for each in stepped],
            "participants": [each.participants for each in stepped],
        },
    )


async def write_failure(conn: Connection, saga_id: UUID, *, error: str, delay_s: float) -> None:
    """Write that a step could not be made, and is made again `delay_s` from now."""
    parameters = {"saga_id": saga_id, "error": error[:_LONGEST_ERROR], "delay_s": delay_s}
    await conn.execute(_SQL.write_failure, parameters)


async def add_participants(conn: Connection, participants: Mapping[UUID, Collection[UUID]]) -> None:
    """Write whose events concern which saga from now on: streams by saga."""
    pairs = [(stream_id, saga_id) for saga_id, streams in participants.items() for stream_id in streams]
    parameters = {"stream_ids": [each for each, _ in pairs], "saga_ids": [each for _, each in pairs]}
    await conn.execute(_SQL.add_participants, parameters)


async def count_open(conn: Connection) -> list[OpenSagas]:
    """Return how many have not ended, by kind and status."""
    async with conn.cursor(row_factory=class_row(OpenSagas)) as cursor:
        await cursor.execute(_SQL.count_open)
        return await cursor.fetchall()


async def list_sagas(conn: Connection, *, statuses: Collection[str], is_open: bool, limit: int) -> list[ListedSaga]:
    """Return sagas of these statuses, the oldest first; `is_open`: all of these statuses are of sagas on their way."""
    async with conn.cursor(row_factory=class_row(ListedSaga)) as cursor:
        statement = _SQL.list_open if is_open else _SQL.list_all
        await cursor.execute(statement, {"statuses": list(statuses), "limit": limit})
        return await cursor.fetchall()


async def find(conn: Connection, saga_id: UUID) -> StoredSaga | None:
    """Return one saga."""
    async with conn.cursor(row_factory=class_row(StoredSaga)) as cursor:
        await cursor.execute(_SQL.find, {"saga_id": saga_id})
        return await cursor.fetchone()


async def make_due(conn: Connection, saga_id: UUID) -> None:
    """Have a saga looked at now."""
    await conn.execute(_SQL.make_due, {"saga_id": saga_id})
