"""Ledger rows that a release before migration 0057 left of a dispute taken more than once: a rebuild corrects them."""

import random
from collections.abc import Sequence
from typing import LiteralString

import pytest

from domain.money import Money
from domain.payment.commands import PaymentCommand
from domain.payment.values import DisputeStatus
from domain.stripe_balance import TransactionRecorded
from event_store.store import Connection as AppConnection
from infra.postgres.pool import Connection
from projections.rebuild.builds import builds_of
from projections.rebuild.errors import RowsDiffer
from tests.support.balance_events import a_row
from tests.support.database import Database
from tests.support.payment_histories import disputed, events_of, paid, request_payment
from tests.support.read_model import store, store_balance
from tests.support.rebuilds import LogProjector, nothing_differs, rebuilding, rebuilt, store_payments

pytestmark = pytest.mark.integration

_EUR = Money(amount_cents=1000, currency="EUR")

_AS_BEFORE: tuple[LiteralString, ...] = (
    # What a bank took or gave back once more was posted with its event, in the payer's currency.
    """
    WITH further AS (
        SELECT e.position, e.recorded_at AS at, m.source_id, m.category, s.merchant_id, m.position AS first,
               CASE m.category WHEN 'dispute' THEN -1000 ELSE 1000 END AS amount
          FROM event_store.events e
          JOIN event_store.streams s USING (stream_id)
          JOIN read_model.ledger_movements m
            ON m.source_id = e.data->>'dispute_id' AND m.position < e.position
           AND e.type = CASE m.category WHEN 'dispute' THEN 'payment.dispute_funds_withdrawn'
                                        WHEN 'dispute_reversal' THEN 'payment.dispute_funds_reinstated' END
    ), head AS (
        INSERT INTO read_model.ledger_entries (position, number, kind, source_id, category, at, merchant_id)
        SELECT position, 0, 'movement', source_id, category, at, merchant_id FROM further
    )
    INSERT INTO read_model.ledger_lines (position, number, line, account, currency, amount, at)
    SELECT position, 0, line, account, 'EUR', sign * amount, at
      FROM further, (VALUES (1, 'stripe_clearing', 1), (2, 'disputes', -1)) AS l(line, account, sign)
    """,
    # A further row of the same amount was taken for the first one again.
    """
    WITH again AS (
        UPDATE read_model.ledger_transactions t SET posted = false
          FROM read_model.ledger_movements m
         WHERE t.source_id = m.source_id AND t.category = m.category AND t.posted
           AND (t.currency, t.amount) = (m.transaction_currency, m.transaction_amount)
        RETURNING t.position
    ), head AS (
        DELETE FROM read_model.ledger_entries e USING again WHERE e.position = again.position AND e.number = 3
    )
    DELETE FROM read_model.ledger_lines l USING again WHERE l.position = again.position AND l.number = 3
    """,
    # Migration 0057 gives every row this.
    "UPDATE read_model.ledger_movements SET times = 1",
    "DELETE FROM read_model.ledger_days",
    "DELETE FROM read_model.ledger_quarters",
    "DELETE FROM read_model.ledger_merchant_days",
    """
    INSERT INTO read_model.ledger_days (day, account, currency, debit, credit)
    SELECT (at AT TIME ZONE 'UTC')::date, account, currency, sum(greatest(amount, 0)), sum(greatest(-amount, 0))
      FROM read_model.ledger_lines GROUP BY 1, 2, 3
    """,
    """
    INSERT INTO read_model.ledger_quarters (quarter, account, currency, debit, credit)
    SELECT date_bin('15 minutes', at, '2000-01-01T00:00:00Z'), account, currency,
           sum(greatest(amount, 0)), sum(greatest(-amount, 0))
      FROM read_model.ledger_lines GROUP BY 1, 2, 3
    """,
    """
    INSERT INTO read_model.ledger_merchant_days (merchant_id, day, account, currency, debit, credit)
    SELECT merchant_id, (l.at AT TIME ZONE 'UTC')::date, account, currency,
           sum(greatest(amount, 0)), sum(greatest(-amount, 0))
      FROM read_model.ledger_lines l JOIN read_model.ledger_entries USING (position, number)
     WHERE merchant_id IS NOT NULL GROUP BY 1, 2, 3, 4
    """,
)


def seen(charge_id: str, *moved: tuple[int, int], inquiry: bool = False) -> Sequence[PaymentCommand]:
    """Return what Stripe says of a dispute, each time with how often its amount was taken and given back."""
    first = [disputed("du_1", charge_id, _EUR, status=DisputeStatus.WARNING_NEEDS_RESPONSE)] if inquiry else []
    return first + [
        disputed(
            "du_1",
            charge_id,
            _EUR,
            status=DisputeStatus.WON if taken == given else DisputeStatus.LOST,
            withdrawn=taken,
            reinstated=given,
        )
        for taken, given in moved
    ]


def row_of(number: int, rate: str | None) -> TransactionRecorded:
    """Return the row of the dispute's amount that was taken, given back, and so on."""
    amount = round(1000 * float(rate or 1))
    return a_row(
        f"txn_{number}",
        source_id="du_1",
        reporting_category=("dispute", "dispute_reversal")[number % 2],
        amount=amount if number % 2 else -amount,
        fee=0,
        currency="EUR" if rate is None else "USD",
        exchange_rate=rate,
    )


async def clearing(conn: Connection) -> dict[str, int]:
    cursor = await conn.execute(
        "SELECT currency, (sum(debit) - sum(credit))::bigint FROM read_model.ledger_days"
        " WHERE account = 'stripe_clearing' GROUP BY 1"
    )
    return {currency: amount for currency, amount in await cursor.fetchall() if amount}


def held(rows: list[TransactionRecorded]) -> dict[str, int]:
    """Return what the clearing account has of these rows, and of a charge of which Stripe has no row yet."""
    sums = {"EUR": 1000}
    for row in rows:
        sums[row.currency] = sums.get(row.currency, 0) + row.net
    return {currency: amount for currency, amount in sums.items() if amount}


@pytest.mark.parametrize("inquiry", [False, True])
@pytest.mark.parametrize(
    "rates", [("1.08", "1.08", "1.08"), ("1.08", "1.09", "1.1"), ("1.08", "1.09", "1.08"), (None, None, None)]
)
async def test_a_rebuild_and_a_forced_swap_put_them_right(
    rates: tuple[str | None, ...],
    database: Database,
    app: AppConnection,
    owner: Connection,
    projector: LogProjector,
    *,
    inquiry: bool,
) -> None:
    request = request_payment(amount=_EUR)
    charge_id = f"ch_{request.payment_id.hex}"
    life = events_of([*paid(request), *seen(charge_id, (1, 0), (1, 1), (2, 1), inquiry=inquiry)])
    rows = [row_of(number, rate) for number, rate in enumerate(rates)]
    await store(app, [(request.payment_id, life)])
    await store_balance(app, *rows)
    await projector.catch_up()
    assert await clearing(owner) == held(rows)
    async with owner.transaction():
        for statement in _AS_BEFORE:
            await owner.execute(statement)
    wrong = await clearing(owner)
    assert (wrong != held(rows)) == (rates[0] is not None), "in one currency, the sums alone were right"

    await store_payments(app, random.Random(1), 3)  # the projector goes on with them
    await projector.catch_up()
    async with rebuilding(database, "ledger") as work:
        build, comparison = await work.build()
        assert comparison.differences
        with pytest.raises(RowsDiffer):
            await work.swap(build, comparison, forced=False, reason=None)
    await rebuilt(database, "ledger", forced=True, reason="a dispute was taken twice")

    (build,) = await builds_of(owner, "ledger")
    assert (build.phase, build.forced, build.reason) == ("swapped", True, "a dispute was taken twice")
    assert await nothing_differs(owner)
    cursor = await owner.execute("SELECT times FROM read_model.ledger_movements WHERE category = 'dispute'")
    assert (2,) in await cursor.fetchall()
    async with rebuilding(database, "ledger") as work:
        _, comparison = await work.build()
        assert comparison.differences == []
