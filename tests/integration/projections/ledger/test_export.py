"""The ledger as a file: every line with its entry, exact amounts, whole files only."""

import csv
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest
from pyarrow import parquet
from typer.testing import CliRunner

from domain.money import Money
from event_store.store import Connection as AppConnection
from infra.cli.app import app as command_line
from infra.postgres.pool import Pool
from projections.ledger import export
from projections.ledger.export import COLUMNS, ExportFormat, ExportRefused, LedgerExport
from tests.support.balance_events import CREATED, a_row
from tests.support.database import Database
from tests.support.payment_histories import events_of, paid, request_payment
from tests.support.read_model import load_log, project_log, store, store_balance

pytestmark = pytest.mark.integration

EXPECTED = [
    ("topup", "stripe_clearing", "JPY", 700, Decimal(700)),
    ("topup", "adjustments", "JPY", -700, Decimal(-700)),
    ("network_cost", "stripe_clearing", "USD", -59, Decimal("-0.59")),
    ("network_cost", "stripe_fees", "USD", 59, Decimal("0.59")),
    ("charge", "stripe_clearing", "KWD", 12340, Decimal("12.340")),
    ("charge", "customer_receivable", "KWD", -12340, Decimal("-12.340")),
]


async def fill(app: AppConnection, pool: Pool) -> str:
    """Write a top-up, a fee and a payment, in this order of time; return the payment's id."""
    request = request_payment(amount=Money(amount_cents=12340, currency="KWD"))
    await store(app, [(request.payment_id, events_of(paid(request)))])
    topup = {"reporting_category": "topup", "source_id": None, "amount": 700, "fee": 0, "currency": "JPY"}
    cost = {"reporting_category": "network_cost", "source_id": "ch_x", "amount": -59, "fee": 0}
    await store_balance(app, a_row("txn_1", **topup), a_row("txn_2", **cost, created=CREATED + 60))
    await project_log(pool, await load_log(app))
    return str(request.payment_id)


def names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


async def connected(database: Database) -> psycopg.AsyncConnection[tuple[object, ...]]:
    return await psycopg.AsyncConnection.connect(database.url("query"))


async def test_both_kinds_of_files_hold_every_line_in_the_order_of_time(
    app: AppConnection, pool: Pool, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    payment_id = await fill(app, pool)
    monkeypatch.setattr(export, "_PORTION", 4)
    async with await connected(database) as conn:
        as_csv, as_parquet = tmp_path / "ledger.csv", tmp_path / "ledger.parquet"
        assert await LedgerExport().export(conn, as_csv, form=ExportFormat.CSV) == 6
        assert await LedgerExport().export(conn, as_parquet, form=ExportFormat.PARQUET) == 6

    with as_csv.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == COLUMNS
    assert [
        (each["category"], each["account"], each["currency"], int(each["amount"]), Decimal(each["amount_decimal"]))
        for each in rows
    ] == EXPECTED
    assert rows[4]["amount_decimal"] == "12.340"
    assert [each["payment_id"] for each in rows] == ["", "", "", "", payment_id, payment_id]

    table = parquet.read_table(as_parquet).to_pylist()
    assert [
        (each["category"], each["account"], each["currency"], each["amount"], each["amount_decimal"]) for each in table
    ] == EXPECTED
    assert [str(each["position"]) for each in table] == [each["position"] for each in rows]
    assert table[0]["at"] == datetime.fromtimestamp(CREATED, UTC)
    assert names(tmp_path) == ["ledger.csv", "ledger.parquet"]


async def test_a_time_can_be_given_and_its_end_is_not_in_it(
    app: AppConnection, pool: Pool, database: Database, tmp_path: Path
) -> None:
    await fill(app, pool)
    since = datetime.fromtimestamp(CREATED, UTC)
    async with await connected(database) as conn:
        export, output = LedgerExport(), tmp_path / "ledger.csv"
        minute = {"since": since, "until": since + timedelta(seconds=60)}
        assert await export.export(conn, output, form=ExportFormat.CSV, **minute) == 2
        assert await export.export(conn, output, form=ExportFormat.CSV, since=since + timedelta(seconds=60)) == 4
        nothing = tmp_path / "ledger.parquet"
        assert await export.export(conn, nothing, form=ExportFormat.PARQUET, until=since) == 0
        assert parquet.read_table(nothing).num_rows == 0


@pytest.mark.parametrize(
    ("seconds", "message"),
    [(-60, "--to later than --from"), (0, "--to later than --from"), (1, "has no lines of that time")],
)
async def test_nothing_to_write_leaves_a_file_that_is_there_as_it_was(
    seconds: int, message: str, database: Database, tmp_path: Path
) -> None:
    output = tmp_path / "ledger.csv"
    output.write_text("of yesterday")
    since = datetime.fromtimestamp(CREATED, UTC)
    until = since + timedelta(seconds=seconds)
    async with await connected(database) as conn:
        with pytest.raises(ExportRefused, match=message):
            await LedgerExport().export(conn, output, form=ExportFormat.CSV, since=since, until=until)
    assert output.read_text() == "of yesterday"
    assert names(tmp_path) == ["ledger.csv"]


async def test_a_file_that_is_there_stays_until_the_new_one_is_whole(
    app: AppConnection, pool: Pool, database: Database, tmp_path: Path
) -> None:
    await fill(app, pool)
    output = tmp_path / "ledger.csv"
    output.write_text("of yesterday")
    async with await connected(database) as conn:
        await conn.close()
        with pytest.raises(psycopg.OperationalError):
            await LedgerExport().export(conn, output, form=ExportFormat.CSV)
    assert names(tmp_path) == ["ledger.csv"]
    assert output.read_text() == "of yesterday"
    async with await connected(database) as conn:
        with pytest.raises(ExportRefused, match="No such file"):
            await LedgerExport().export(conn, tmp_path / "nowhere" / "ledger.csv", form=ExportFormat.CSV)


def test_the_command_writes_the_file(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("READ_DATABASE_URL", database.url("query"))
    words = ["ledger", "export", "--format", "parquet", "--from", "2026-05-01", "--output", "ledger.parquet"]
    shown = CliRunner().invoke(command_line, words)
    assert shown.exit_code == 0, shown.output
    assert "0 lines are in ledger.parquet" in shown.output
    assert parquet.read_table(tmp_path / "ledger.parquet").num_rows == 0
