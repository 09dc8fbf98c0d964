"""The query API over the test's database, with the query role's rights, and ways to fill its read model."""

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import httpx
import pytest_asyncio

from domain.ids import MerchantId
from domain.payment.commands import PaymentCommand
from event_store.store import Connection as AppConnection
from infra.postgres.pool import Pool, create_pool
from projections.watermark.moving import WatermarkMover
from query_api.database import create_read_pool
from tests.support.database import Database
from tests.support.payment_histories import events_of
from tests.support.query_client import MERCHANT, client_of
from tests.support.read_model import load_log, project_log, store

Record = Callable[..., Awaitable[uuid.UUID]]
Project = Callable[[], Awaitable[int]]


@pytest_asyncio.fixture
async def read_pool(database: Database) -> AsyncIterator[Pool]:
    async with create_read_pool(database.url("query"), size=4, timeout_ms=5000) as pool:
        yield pool


@pytest_asyncio.fixture
async def projector_pool(database: Database) -> AsyncIterator[Pool]:
    async with create_pool(database.url("projector"), size=2, name="projector-test") as pool:
        yield pool


@pytest_asyncio.fixture
async def client(read_pool: Pool) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(read_pool) as client:
        yield client


@pytest_asyncio.fixture
async def record(app: AppConnection) -> Record:
    """Append the events that the commands of one payment decide to; not projected yet."""

    async def record(commands: Sequence[PaymentCommand], merchant_id: str = MERCHANT) -> uuid.UUID:
        events = events_of(commands)
        payment_id: uuid.UUID = events[0].payment_id  # type: ignore[union-attr]
        await store(app, [(payment_id, events)], merchant_id=MerchantId(merchant_id))
        return payment_id

    return record


@pytest_asyncio.fixture
async def project(app: AppConnection, projector_pool: Pool) -> Project:
    """Bring the read model up to date; returns the last position."""

    async def project() -> int:
        log = await load_log(app)
        await project_log(projector_pool, log)
        return log[-1].position

    return project


@pytest_asyncio.fixture
async def mover(database: Database) -> AsyncIterator[WatermarkMover]:
    """What the projector runs beside its consumer; the tests project with one partition."""
    mover = WatermarkMover(database.url("projector"), partitions=1)
    async with mover.running():
        yield mover
