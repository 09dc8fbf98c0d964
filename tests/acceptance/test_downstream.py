"""The example consumer of docs/consuming-events.md, as another team would run it: a process with aiokafka alone."""

import asyncio
import contextlib
import os
import sqlite3
import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx
import psycopg
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.support import example_consumer
from tests.support.payment_load import Customers
from tests.support.system import System, running_system
from tests.support.waiting import eventually

pytestmark = [pytest.mark.acceptance, pytest.mark.broker, pytest.mark.timeout(240)]

EXAMPLE = example_consumer.load_example()

Row = tuple[str, int, str]
History = dict[str, list[tuple[int, str]]]
Lag = tuple[float, float]


class Example:
    """The example's processes, one or several on one database, and what they wrote."""

    def __init__(self, system: System, folder: Path) -> None:
        self._system = system
        self._folder = folder
        self._database = folder / "payments.sqlite"

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run it in a folder and an environment that hold nothing of Paystream; end it with SIGKILL."""
        servers = {"KAFKA_BOOTSTRAP_SERVERS": self._system.stack.kafka_bootstrap_servers}
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, str(example_consumer.PATH), str(self._database)),
            cwd=self._folder,
            env={"PATH": os.environ["PATH"], **servers},
        )
        try:
            yield
            assert process.returncode is None, "the example ended by itself"
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def grows(self, by: int) -> None:
        """Wait for so many more rows."""
        before = len(await self.rows())
        await eventually(self.rows, lambda rows: len(rows) >= before + by, within=60)

    async def catches_up(self, customers: Customers, *, within: float = 60) -> None:
        """Wait until it has as many events as the event store, and check that they are those, in their order."""
        for payment in customers.made:
            await self._system.finished(payment.id, min_position=payment.position, within=60)

        async def both() -> tuple[History, History]:
            # Read anew each time: what an earlier test left behind may go on.
            return by_payment(await self.rows()), by_payment(await self.recorded())

        await eventually(both, lambda found: found[0] == found[1], within=within)

    async def rows(self) -> list[Row]:
        """Return its table in the order in which it was written."""
        with contextlib.closing(sqlite3.connect(self._database, timeout=30)) as connection:
            connection.executescript(EXAMPLE.TABLES)
            query = "SELECT payment_id, stream_version, type FROM history ORDER BY rowid"
            return connection.execute(query).fetchall()

    async def recorded(self) -> list[Row]:
        """Return what the event store holds of the types that it understands."""
        query = """SELECT stream_id::text, version, type FROM event_store.events
                   WHERE type = ANY(%s) ORDER BY stream_id, version"""
        async with await psycopg.AsyncConnection.connect(self._system.stack.database_url()) as connection:
            return await (await connection.execute(query, [list(EXAMPLE.UNDERSTOOD)])).fetchall()


def by_payment(rows: Iterable[Row]) -> History:
    histories: History = {}
    for payment_id, version, event_type in rows:
        histories.setdefault(payment_id, []).append((version, event_type))
    return histories


@pytest.mark.chaos
@pytest.mark.own_system
async def test_it_has_each_event_once_and_in_order_despite_kills_and_a_wipe(tmp_path: Path) -> None:
    async with running_system(tmp_path / "system") as system, AsyncExitStack() as ending:
        example = Example(system, tmp_path)

        async def disturb() -> None:
            async with example.running():
                await example.grows(20)
            await ending.enter_async_context(example.running())
            await example.grows(20)
            await system.stack.wipe_broker()
            await example.grows(20)

        customers = Customers(system=system, clients=6, rest_s=0.5)
        async with asyncio.TaskGroup() as group:
            disturbing = group.create_task(disturb())
            group.create_task(customers.run(60, until=disturbing))
        # One that stood, by the old numbers, where the new topic ends learns from the next event what it lacks.
        await customers.run(60)
        await example.catches_up(customers, within=120)


async def test_two_copies_on_one_database_begin_at_the_start_and_repeat_nothing(tmp_path: Path, system: System) -> None:
    example = Example(system, tmp_path)
    customers = Customers(system=system, clients=4)
    await customers.run(10)
    async with example.running(), example.running():
        await customers.run(20)
        await example.catches_up(customers)


@pytest.mark.own_system
async def test_who_follows_is_told_from_who_takes_nothing(tmp_path: Path) -> None:
    """As the alert DownstreamBehind sees them: by the metrics of the running relay."""
    groups = {"DOWNSTREAM_GROUPS": "payment-history, shipping"}
    async with running_system(tmp_path / "system", settings=groups) as system:
        example = Example(system, tmp_path)
        customers = Customers(system=system, clients=2)
        async with example.running():
            await customers.run(5)
            await example.catches_up(customers)

            async def shown() -> dict[str, Lag]:
                return {group: await downstream_lag(system, group) for group in ("payment-history", "shipping")}

            recorded = len(await example.recorded())
            found = await eventually(
                shown,
                lambda lag: lag["payment-history"] == (0, 0) and lag["shipping"][0] >= recorded,
                within=90,
                every=1,
            )
        assert found["shipping"][1] > 0


async def downstream_lag(system: System, group: str) -> Lag:
    """Return how many records a group lacks, and for how many seconds; below 0 what the relay does not show yet."""
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"http://127.0.0.1:{system.stack.component('relay').port}/metrics")
    shown = {
        (sample.name, sample.labels["topic"]): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
        if sample.labels.get("group") == group and sample.name.startswith("downstream_lag_")
    }
    topic = "paystream.payment"
    return shown.get(("downstream_lag_events", topic), -1), shown.get(("downstream_lag_seconds", topic), -1)
