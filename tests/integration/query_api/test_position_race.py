"""Many clients write and ask at once: an answer of 200 always has what the position promised."""

import asyncio
import random
import uuid

import httpx
import psycopg
import pytest

from event_store.store import append
from event_store.tail import Tail
from infra.postgres.pool import Pool
from projections.watermark.moving import WatermarkMover
from schemas.envelope import RecordedEvent
from tests.support.balance_events import a_row
from tests.support.database import Database
from tests.support.log_entries import an_append
from tests.support.payment_histories import events_of, paid, request_payment
from tests.support.read_model import project_log, store, store_balance, stream_of
from tests.support.waiting import eventually

pytestmark = [pytest.mark.integration, pytest.mark.slow]

CLIENTS, ROUNDS, PARTITIONS = 10, 12, 3
LAST = "SELECT max(position) FROM event_store.events WHERE stream_id = %s"
EMPTY = (
    "UPDATE consumers.consumer_checkpoints SET position = 0 WHERE consumer ~ '^projection:payment(s|_timeline)$'",
    "TRUNCATE read_model.payments, read_model.payment_timeline",
)


class Race:
    """What clients, the stand-in of relay and projector, and whoever empties the read model share."""

    def __init__(self, database: Database, client: httpx.AsyncClient, seed: int) -> None:
        self.database = database
        self.client = client
        self.chance = random.Random(seed)
        self.committed: dict[uuid.UUID, int] = {}
        self.answers = 0
        self._projecting = asyncio.Lock()

    async def run(self) -> None:
        await asyncio.gather(*(self.write_and_ask(number) for number in range(CLIENTS)))

    async def write_and_ask(self, number: int) -> None:
        async with await psycopg.AsyncConnection.connect(self.database.url("app")) as app:
            for turn in range(ROUNDS):
                request = request_payment()
                await store(app, [(request.payment_id, events_of(paid(request)))])
                position = await self._last(app, request.payment_id)
                self.committed[request.payment_id] = position
                expected: uuid.UUID = request.payment_id
                if self.chance.random() < 0.3:  # a gap
                    await append(app, [an_append()])
                    await app.rollback()
                if self.chance.random() < 0.6:  # a position that is no payment's event, for whoever's payment
                    row = a_row(f"txn_{number}_{turn}", reporting_category="topup")
                    await store_balance(app, row)
                    position = await self._last(app, stream_of(row))
                    expected = self.chance.choice([each for each, at in self.committed.items() if at < position])
                await self._ask(position, expected)

    async def _last(self, app: psycopg.AsyncConnection, stream_id: uuid.UUID) -> int:
        row = await (await app.execute(LAST, [stream_id])).fetchone()
        await app.commit()
        assert row is not None
        return int(row[0])

    async def _ask(self, position: int, payment_id: uuid.UUID) -> None:
        path = self.chance.choice((f"/payments/{payment_id}", f"/payments/{payment_id}/events", "/payments?limit=100"))

        async def query() -> httpx.Response:
            return await self.client.get(path, headers={"Paystream-Min-Position": str(position)})

        answer = await eventually(query, lambda found: found.status_code != 503, within=60)
        assert answer.status_code == 200, (answer.text, position, self.committed[payment_id])
        body = answer.json()
        if path.endswith("events"):
            assert len(body["data"]) == 3
        elif path.startswith("/payments?"):
            assert body["has_more"] or str(payment_id) in {each["id"] for each in body["data"]}
        else:
            assert body["status"] == "succeeded"
        self.answers += 1

    async def project(self, pool: Pool) -> None:
        log: list[RecordedEvent] = []
        tail = Tail()
        async with await psycopg.AsyncConnection.connect(self.database.url("app"), autocommit=True) as reading:
            while True:
                log += await tail.read(reading)
                async with self._projecting:
                    for number in self.chance.sample(range(3), 3):  # a partition is behind the others
                        part = log[: max(1, len(log) - number * 4)] if log else []
                        await project_log(pool, part, partitions=PARTITIONS)
                await asyncio.sleep(self.chance.random() * 0.05)  # at random: how both sides overlap is what varies

    async def empty(self) -> None:
        async with await psycopg.AsyncConnection.connect(self.database.url("owner")) as owner:
            while True:
                await self._answers(self.answers + CLIENTS)
                async with self._projecting:
                    while not await self._emptied(owner):
                        await owner.rollback()

    async def _emptied(self, owner: psycopg.AsyncConnection) -> bool:
        """Empty the read model; False when PostgreSQL ended this, because of a deadlock with those who read."""
        try:
            for statement in EMPTY:
                await owner.execute(statement)
            await owner.commit()
        except psycopg.errors.DeadlockDetected:
            return False
        return True

    async def _answers(self, count: int) -> None:
        async def given() -> bool:
            return self.answers >= count

        await eventually(given, within=90)


@pytest.mark.parametrize("emptied", [False, True])
async def test_an_answer_always_has_what_was_written_before_its_position(
    database: Database, client: httpx.AsyncClient, projector_pool: Pool, emptied: bool
) -> None:
    race = Race(database, client, seed=7)
    movers = [WatermarkMover(database.url("projector"), partitions=PARTITIONS) for _ in range(2)]
    async with movers[0].running(), movers[1].running():
        beside = [asyncio.create_task(race.project(projector_pool))]
        if emptied:
            beside.append(asyncio.create_task(race.empty()))
        asking = asyncio.create_task(race.run())
        try:
            await asyncio.wait({asking, *beside}, return_when=asyncio.FIRST_COMPLETED)
            for task in beside:
                if task.done():
                    task.result()
            await asking
        finally:
            for task in (asking, *beside):
                task.cancel()
            await asyncio.gather(asking, *beside, return_exceptions=True)
    assert race.answers == CLIENTS * ROUNDS
