"""The log into files: all of what is asked for, in order, also when it is cut short and goes on."""

import csv
import json
import random
import uuid
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import psycopg
import pytest
import pytest_asyncio
from pyarrow import parquet

from domain.ids import MerchantId, PaymentId
from event_store.replay.files import COLUMNS, EventFile, ReplayRefused
from event_store.replay.reading import Run, Selection, final_position, read_runs
from event_store.store import Connection, append
from schemas.envelope import RecordedEvent
from tests.support.balance_events import a_row
from tests.support.database import Database
from tests.support.log_entries import an_append
from tests.support.payment_histories import random_history
from tests.support.read_model import load_log, store, store_balance

pytestmark = pytest.mark.integration

Log = Sequence[RecordedEvent]


@pytest_asyncio.fixture
async def log(app: Connection) -> Log:
    """Return a log of two merchants and two categories, with gaps."""
    rng = random.Random(5)
    for merchant in ("merchant_one", "merchant_two"):
        ids = [PaymentId(uuid.UUID(int=rng.getrandbits(128), version=4)) for _ in range(12)]
        streams = [(each, random_history(rng, payment_id=each, steps=12)) for each in ids]
        await store(app, streams, rng=rng, merchant_id=MerchantId(merchant))
        await append(app, [an_append()])
        await app.rollback()
        await store_balance(app, *(a_row(f"txn_{merchant}_{number}") for number in range(3)))
    return await load_log(app)


@pytest_asyncio.fixture
async def auditor(database: Database) -> AsyncIterator[Connection]:
    async with await psycopg.AsyncConnection.connect(database.url("audit"), autocommit=True) as connection:
        yield connection


async def runs(auditor: Connection, selection: Selection, size: int = 7) -> list[Run]:
    return [run async for run in read_runs(auditor, selection, size=size)]


async def test_the_end_is_what_was_drawn_and_waits_for_who_drew_it(
    auditor: Connection, app: Connection, log: Log, database: Database
) -> None:
    assert await final_position(auditor) >= log[-1].position
    async with await psycopg.AsyncConnection.connect(database.url("app")) as slow:
        await append(slow, [an_append()])
        await slow.commit()
    assert await final_position(auditor) == (await load_log(app))[-1].position


@pytest.mark.parametrize("size", [1, 7, 5000])
async def test_all_comes_once_and_in_order_whatever_the_size_of_runs(auditor: Connection, log: Log, size: int) -> None:
    found = await runs(auditor, Selection(up_to=log[-1].position), size)
    assert [event for run in found for event in run.events] == list(log)
    assert sum(run.count for run in found) == len(log)


async def test_what_is_selected_is_what_fits(auditor: Connection, log: Log) -> None:
    middle = log[len(log) // 2].position
    selection = Selection(
        after=log[3].position,
        up_to=middle,
        categories=("payment",),
        types=("payment.requested", "payment.succeeded"),
        merchant_id=MerchantId("merchant_one"),
    )
    found = [event for run in await runs(auditor, selection) for event in run.events]
    assert found == [
        event
        for event in log
        if log[3].position < event.position <= middle
        and event.type in {"payment.requested", "payment.succeeded"}
        and event.metadata.merchant_id == "merchant_one"
    ]
    assert found


def names_in(folder: Path) -> list[str]:
    return [each.name for each in folder.iterdir()]


def read_back(path: Path) -> list[dict[str, object]]:
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    if path.suffix == ".csv":
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    else:
        rows = parquet.read_table(path).to_pylist()
    return [{**row, "data": json.loads(row["data"]), "metadata": json.loads(row["metadata"])} for row in rows]


@pytest.mark.parametrize("name", ["log.jsonl", "log.csv", "log.parquet"])
@pytest.mark.parametrize("cut_after", [None, 0, 1, 9, 30])
async def test_a_file_has_every_event_although_writing_was_cut_short(
    auditor: Connection, log: Log, tmp_path: Path, name: str, cut_after: int | None
) -> None:
    selection = Selection(up_to=log[-1].position)
    if cut_after is not None:
        killed = EventFile(tmp_path / name, selection, part=10)
        for run in (await runs(auditor, selection))[:cut_after]:
            killed.add(run)
        assert not (tmp_path / name).exists()
    file = EventFile(tmp_path / name, selection, part=10)
    async for run in read_runs(auditor, Selection(after=file.position, up_to=selection.up_to), size=7):
        file.add(run)
    file.finish()
    rows = read_back(tmp_path / name)
    assert [set(row) for row in rows] == [set(COLUMNS)] * len(log)
    assert [int(str(row["position"])) for row in rows] == [event.position for event in log]
    assert [row["event_id"] for row in rows] == [str(event.event_id) for event in log]
    assert [row["data"] for row in rows] == [json.loads(event.data) for event in log]
    assert [row["metadata"] for row in rows] == [event.metadata.to_dict() for event in log]
    assert names_in(tmp_path) == [name]


async def test_parts_of_another_selection_are_not_gone_on_with(auditor: Connection, log: Log, tmp_path: Path) -> None:
    selection = Selection(up_to=log[-1].position)
    file = EventFile(tmp_path / "log.jsonl", selection, part=1)
    file.add((await runs(auditor, selection))[0])
    with pytest.raises(ReplayRefused, match="another selection"):
        EventFile(tmp_path / "log.jsonl", Selection(up_to=selection.up_to, types=("payment.failed",)))


def test_a_file_that_is_there_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("mine")
    with pytest.raises(ReplayRefused, match="is there already"):
        EventFile(tmp_path / "log.csv", Selection(up_to=1))
    assert (tmp_path / "log.csv").read_text() == "mine"


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ReplayRefused, match="must end in one of"):
        EventFile(tmp_path / "log.xml", Selection(up_to=1))


def test_nothing_selected_is_an_empty_file(tmp_path: Path) -> None:
    for name in ("log.jsonl", "log.csv", "log.parquet"):
        EventFile(tmp_path / name, Selection(up_to=0)).finish()
        assert read_back(tmp_path / name) == []
