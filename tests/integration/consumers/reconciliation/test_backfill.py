"""Rows of Stripe's that the log lacks are recorded by a run; one that cannot be holds up no other."""

import uuid
from datetime import date
from typing import Any

import pytest
from structlog.testing import capture_logs

from consumers.reconciliation.run.backfill import record_rows
from consumers.reconciliation.run_ref import RunRef
from consumers.reconciliation.statement.fakes import MemoryStatement
from domain.ids import BalanceSourceId, BalanceTransactionId, RunId
from domain.reconciliation.values import Difference, DifferenceKind
from domain.stripe_balance import TransactionRecorded, transaction_stream
from event_store.appends import MAX_EVENT_BYTES
from event_store.store import load
from infra.postgres.pool import Pool
from schemas.events import BALANCE_CODEC

pytestmark = pytest.mark.integration

DAY = date(2026, 3, 10)
RUN = RunRef(run_id=RunId(uuid.uuid4()), number=1, date=DAY, time_zone="UTC")


def a_row(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "id": f"txn_{number}",
        "type": "stripe_fee",
        "reporting_category": "fee",
        "amount": -100,
        "fee": 0,
        "net": -100,
        "currency": "usd",
        "source": None,
        "exchange_rate": None,
        "description": "a fee",
        "created": 1_700_000_000 + number,
        "available_on": 1_700_000_000 + number,
        **changes,
    }


def lacking(number: int) -> Difference:
    return Difference(
        kind=DifferenceKind.MISSING_HERE,
        source_id=BalanceSourceId(f"txn_{number}"),
        category="fee",
        date=DAY,
        stripe=None,
        ledger=None,
        transaction_ids=(BalanceTransactionId(f"txn_{number}"),),
    )


async def test_a_row_that_the_log_cannot_take_holds_up_no_other(pool: Pool) -> None:
    statement = MemoryStatement()
    rows = (a_row(1), a_row(2, description="x" * MAX_EVENT_BYTES), a_row(3, amount="?"), a_row(4))
    statement.transactions = {row["id"]: row for row in rows}
    with capture_logs() as logs:
        assert await record_rows(pool, statement, RUN, [lacking(number) for number in (1, 2, 3, 4)]) == 2
    left_out = [each["transaction_id"] for each in logs if each["event"] == "reconciliation_row_not_recorded"]
    assert left_out == ["txn_2", "txn_3"]
    for number in (1, 4):
        async with pool.connection() as conn:
            (event,) = await load(conn, transaction_stream(BalanceTransactionId(f"txn_{number}")))
        recorded = BALANCE_CODEC.decode(event)
        assert isinstance(recorded, TransactionRecorded)
        assert recorded.amount == -100
