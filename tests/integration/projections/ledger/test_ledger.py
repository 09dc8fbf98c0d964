"""The ledger on a real PostgreSQL: whatever comes first, its accounts balance and say what Stripe holds."""

import asyncio
import random
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import psycopg
import pytest
from aiokafka import TopicPartition
from psycopg.rows import dict_row

from domain.ids import BalanceTransactionId, PaymentId, RefundId, StripeRefundId
from domain.ledger import movement_source
from domain.money import Money
from domain.payment.commands import AcceptStripe, RequestRefund
from domain.payment.events import RefundSucceeded
from domain.payment.evolve import fold
from domain.payment.observations import (
    RecordRefundFailed,
    RecordRefundFound,
    RecordRefundPending,
    RecordRefundSucceeded,
)
from domain.payment.values import DisputeStatus
from domain.reconciliation.classify import classify
from domain.reconciliation.rows import Movement, StripeRow
from domain.reconciliation.values import DifferenceKind
from domain.reconciliation.window import Window
from domain.stripe_balance import PayoutStatus, TransactionRecorded
from event_store.store import Connection as AppConnection
from infra.postgres.pool import Connection, Pool
from projections.errors import VersionGap
from projections.ledger import projection
from projections.registry import PROJECTIONS
from projections.runner import projecting
from schemas.envelope import RecordedEvent
from schemas.topics import PAYMENT, STRIPE_BALANCE, topic_of
from tests.support.balance_events import CREATED, a_payout, a_row, rows_of, some_moved
from tests.support.database import Database
from tests.support.payment_histories import (
    batches,
    by_partition,
    disputed,
    events_of,
    paid,
    random_history,
    refunded,
    request_payment,
)
from tests.support.read_model import MERCHANT, load_log, project_log, store, store_balance

pytestmark = pytest.mark.integration

PARTITIONS = 3
REFUND, FAILING = RefundId(uuid.UUID(int=11)), RefundId(uuid.UUID(int=12))
TABLES = (
    *("ledger_streams", "ledger_movements", "ledger_transactions", "ledger_entries", "ledger_lines", "ledger_days"),
    "ledger_merchant_days",
    "ledger_quarters",
)
QUARTERS = "SELECT quarter, account, currency, debit, credit FROM read_model.ledger_quarters ORDER BY 1, 2, 3"
QUARTERS_OF_LINES = (
    "SELECT date_bin('15 minutes', at, '2000-01-01T00:00:00Z') AS quarter, account, currency,"
    " sum(greatest(amount, 0))::bigint AS debit, sum(greatest(-amount, 0))::bigint AS credit"
    " FROM read_model.ledger_lines GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
)

MOVE = """
INSERT INTO read_model.ledger_movements (source_id, category, currency, amount, at, position)
VALUES (%(source_id)s, 'charge', 'USD', 1000, now(), 1)
"""


def usd(cents: int) -> Money:
    return Money(amount_cents=cents, currency="USD")


async def rows(conn: Connection, query: str) -> list[dict[str, Any]]:
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(query)
        return await cursor.fetchall()


async def balances(conn: Connection) -> dict[tuple[str, str], int]:
    found = await rows(
        conn, "SELECT account, currency, sum(amount)::bigint AS amount FROM read_model.ledger_lines GROUP BY 1, 2"
    )
    return {(each["account"], each["currency"]): each["amount"] for each in found if each["amount"]}


async def everything(conn: Connection) -> dict[str, list[dict[str, Any]]]:
    return {
        table: sorted(await rows(conn, f"SELECT * FROM read_model.{table}"), key=lambda row: str(list(row.values())))
        for table in TABLES
    }


async def clearing(conn: Connection) -> dict[str, int]:
    return {
        currency: amount
        for (account, currency), amount in (await balances(conn)).items()
        if account == "stripe_clearing"
    }


async def movements(conn: Connection) -> dict[tuple[str, str], dict[str, Any]]:
    found = await rows(conn, "SELECT * FROM ledger.stripe_movements")
    return {(each["source_id"], each["category"]): each for each in found}


def nets(transactions: Sequence[TransactionRecorded]) -> dict[str, int]:
    sums: Counter[str] = Counter()
    for transaction in transactions:
        sums[transaction.currency] += transaction.net
    return {currency: amount for currency, amount in sums.items() if amount}


async def forget(database: Database) -> None:
    """Empty the ledger, so that it is built again."""
    async with await psycopg.AsyncConnection.connect(database.url("owner")) as owner:
        for table in TABLES:
            await owner.execute(f"DELETE FROM read_model.{table}")


async def forget_checkpoints(database: Database) -> None:
    async with await psycopg.AsyncConnection.connect(database.url("owner"), autocommit=True) as owner:
        await owner.execute(
            "UPDATE consumers.consumer_checkpoints SET position = 0 WHERE consumer = 'projection:ledger'"
        )


async def test_the_life_of_a_payment_and_the_rows_of_it(app: AppConnection, pool: Pool, reader: Connection) -> None:
    request = request_payment(amount=usd(5000))
    charge = f"ch_{request.payment_id.hex}"
    life = events_of(
        [
            *paid(request),
            *refunded(REFUND, usd(700)),
            *refunded(FAILING, usd(300)),
            RecordRefundFailed(
                refund_id=FAILING, stripe_refund_id=StripeRefundId(f"re_{FAILING.hex}"), code="c", message="m"
            ),
            disputed("du_1", charge, usd(1000), withdrawn=1),
        ]
    )
    payment = fold(life)
    assert payment is not None
    await store(app, [(request.payment_id, life)])
    its_rows = list(rows_of(payment))
    await store_balance(
        app,
        *its_rows,
        a_row("txn_po", type="payout", reporting_category="payout", source_id="po_1", amount=-941, fee=0),
        a_row("txn_fee", type="stripe_fee", reporting_category="fee", source_id=None, amount=-25, fee=0),
        a_payout(PayoutStatus.IN_TRANSIT),
        a_payout(PayoutStatus.PAID),
    )
    await project_log(pool, await load_log(app), partitions=PARTITIONS)

    fees = sum(row.fee for row in its_rows)
    assert await balances(reader) == {
        ("customer_receivable", "USD"): -5000,
        ("stripe_clearing", "USD"): 5000 - 700 - 1000 - fees - 941 - 25,
        ("stripe_fees", "USD"): fees + 25,
        ("refunds", "USD"): 700,
        ("disputes", "USD"): 1000,
        ("bank", "USD"): 941,
    }
    known = await movements(app)
    assert {(each["amount"], each["fee"], each["transaction_id"] is None) for each in known.values()} == {
        (5000, its_rows[0].fee, False),
        (-700, 0, False),
        (-300, 0, False),
        (300, 0, False),
        (-1000, 1500, False),
        (-941, 0, False),
        (-25, 0, False),
    }
    assert known[charge, "charge"]["payment_id"] == request.payment_id
    assert known["po_1", "payout"]["payment_id"] is None
    assert ("txn_fee", "fee") in known


async def test_a_movement_is_known_before_its_fee_and_no_fee_before_it(
    app: AppConnection, pool: Pool, reader: Connection
) -> None:
    request = request_payment()
    await store(app, [(request.payment_id, events_of(paid(request)))])
    nobodys = a_row("txn_1", source_id="py_of_nobody_here")
    failed = a_row("txn_2", source_id="py_of_nobody_here", reporting_category="charge_failure", amount=-1000)
    await store_balance(app, nobodys, failed)
    await project_log(pool, await load_log(app))
    (known,) = (await movements(app)).values()
    assert (known["amount"], known["fee"], known["transaction_id"]) == (1000, None, None)
    # Of another system's charge neither the amount nor the fee is in the books, nor that it failed.
    assert await balances(reader) == {("customer_receivable", "USD"): -1000, ("stripe_clearing", "USD"): 1000}


async def test_of_two_rows_for_one_charge_the_first_in_the_log_gives_the_fee(app: AppConnection, pool: Pool) -> None:
    request = request_payment()
    charge = f"ch_{request.payment_id.hex}"
    await store(app, [(request.payment_id, events_of(paid(request)))])
    await store_balance(app, *(a_row(f"txn_{number}", source_id=charge, fee=50 + number) for number in range(6)))
    await project_log(pool, await load_log(app), partitions=7)
    known = (await movements(app))[charge, "charge"]
    assert (known["transaction_id"], known["fee"]) == ("txn_0", 50)


@pytest.mark.parametrize("seed", range(4))
async def test_any_order_of_both_topics_and_a_rebuild_end_in_what_stripe_holds(
    seed: int, app: AppConnection, pool: Pool, reader: Connection, database: Database
) -> None:
    rng = random.Random(seed)
    transactions: list[TransactionRecorded] = []
    rates = {"USD": 1.08, "EUR": 0.93, "JPY": 162.5, "KWD": 3.07}
    for _ in range(12):
        payment_id = PaymentId(uuid.UUID(int=rng.getrandbits(128), version=4))
        life = random_history(rng, payment_id=payment_id, steps=25, currencies=list(rates))
        await store(app, [(payment_id, life)], rng=rng)
        payment = fold(life)
        assert payment is not None
        balance_currency = rng.choice(list(rates))
        transactions += rows_of(
            payment, balance_currency=balance_currency, rate=rates[balance_currency], moved=some_moved(rng, life)
        )
    await store_balance(app, *rng.sample(transactions, len(transactions)))
    log = await load_log(app)

    await deliver(rng, pool, log)
    assert await clearing(reader) == nets(transactions)
    totals = Counter[str]()
    for (_, currency), amount in (await balances(reader)).items():
        totals[currency] += amount
    assert set(totals.values()) <= {0}
    days = await rows(
        reader,
        "SELECT account, currency, (sum(debit) - sum(credit))::bigint AS amount"
        " FROM read_model.ledger_days GROUP BY 1, 2",
    )
    assert {(each["account"], each["currency"]): each["amount"] for each in days if each["amount"]} == await balances(
        reader
    )
    of_merchants = await rows(
        reader,
        """
        SELECT coalesce(d.merchant_id, l.merchant_id) AS merchant_id, d.debit - d.credit AS day, l.amount
          FROM read_model.ledger_merchant_days d
          FULL JOIN (SELECT e.merchant_id, (e.at AT TIME ZONE 'UTC')::date AS day, l.account, l.currency,
                            sum(l.amount)::bigint AS amount
                       FROM read_model.ledger_entries e JOIN read_model.ledger_lines l USING (position, number)
                      WHERE e.merchant_id IS NOT NULL GROUP BY 1, 2, 3, 4) l
         USING (merchant_id, day, account, currency)
        """,
    )
    assert of_merchants
    assert all((each["merchant_id"], each["day"]) == (MERCHANT, each["amount"]) for each in of_merchants)
    assert await rows(reader, QUARTERS) == await rows(reader, QUARTERS_OF_LINES)
    before = await everything(reader)
    of_rows = {(row.transaction_id, row.amount, row.currency) for row in transactions}
    assert await known_rows(app) == of_rows

    await forget(database)
    await forget_checkpoints(database)
    await deliver(rng, pool, log)
    assert await everything(reader) == before


async def deliver(rng: random.Random, pool: Pool, log: Sequence[RecordedEvent]) -> None:
    """Give every partition of both topics to a projector of its own, all at once and in any batches."""
    apply = projecting(pool, PROJECTIONS)

    async def feed(partition: TopicPartition, messages: Sequence[Any], seed: int) -> None:
        for batch in batches(random.Random(seed), messages):
            result = await apply(partition, batch)
            assert result.gap is None

    feeding = [
        feed(TopicPartition(topic_of(category), number), messages, rng.getrandbits(32))
        for category in ("payment", "stripe-balance")
        for number, messages in by_partition([event for event in log if event.category == category], PARTITIONS).items()
    ]
    await asyncio.gather(*feeding)


async def test_a_conversion_is_posted_once_when_both_sides_come_at_one_instant(
    app: AppConnection, pool: Pool, reader: Connection
) -> None:
    requests = [request_payment(amount=Money(amount_cents=1000, currency="EUR")) for _ in range(30)]
    await store(app, [(each.payment_id, events_of(paid(each))) for each in requests])
    charges = [
        a_row(f"txn_{each.payment_id.hex}", source_id=f"ch_{each.payment_id.hex}", amount=1080, exchange_rate="1.08")
        for each in requests
    ]
    await store_balance(app, *charges)
    await deliver(random.Random(1), pool, await load_log(app))
    assert await clearing(reader) == {"USD": 30 * (1080 - 59)}
    (count,) = await rows(reader, "SELECT count(*) AS n FROM read_model.ledger_entries WHERE kind = 'conversion'")
    assert count["n"] == 30
    names = ("currency", "amount", "presented_currency", "presented_amount")
    seen = {tuple(each[name] for name in names) for each in (await movements(app)).values()}
    assert seen == {("USD", 1080, "EUR", 1000)}


async def test_a_payout_fails_after_it_was_paid(app: AppConnection, pool: Pool, reader: Connection) -> None:
    await store_balance(
        app,
        a_row("txn_1", type="payout", reporting_category="payout", source_id="po_1", amount=-941, fee=0),
        a_payout(PayoutStatus.PENDING),
        a_payout(PayoutStatus.PAID),
    )
    await project_log(pool, await load_log(app))
    assert await balances(reader) == {("stripe_clearing", "USD"): -941, ("bank", "USD"): 941}
    back = {"type": "payout_failure", "reporting_category": "payout_reversal", "source_id": "po_1"}
    await store_balance(app, a_payout(PayoutStatus.FAILED), a_row("txn_2", **back, amount=941, fee=0))
    await project_log(pool, await load_log(app))
    assert await balances(reader) == {}
    (paid_at,) = await rows(
        reader, "SELECT at FROM read_model.ledger_entries WHERE kind = 'arrival' AND category = 'payout'"
    )
    assert paid_at["at"].timestamp() == CREATED + 86_400


async def test_a_lost_event_is_refused_by_the_ledger_too(app: AppConnection, pool: Pool) -> None:
    await store_balance(app, a_payout(PayoutStatus.PENDING), a_payout(PayoutStatus.PAID))
    first, second = by_partition(await load_log(app), 1)[0]
    apply = projecting(pool, PROJECTIONS)
    with pytest.raises(VersionGap):
        await apply(TopicPartition(STRIPE_BALANCE, 0), [replace(second, previous_position=0)])
    await apply(TopicPartition(STRIPE_BALANCE, 0), [first, second])


async def test_each_topic_has_the_checkpoints_of_its_own_projections(
    app: AppConnection, pool: Pool, reader: Connection
) -> None:
    request = request_payment()
    await store(app, [(request.payment_id, events_of(paid(request)))])
    await store_balance(app, a_row())
    await project_log(pool, await load_log(app))
    found = await rows(reader, "SELECT consumer, topic FROM consumers.consumer_checkpoints ORDER BY 2, 1")
    assert [(each["topic"], each["consumer"]) for each in found] == [
        (PAYMENT, "projection:ledger"),
        (PAYMENT, "projection:payment_timeline"),
        (PAYMENT, "projection:payment_totals"),
        (PAYMENT, "projection:payments"),
        (STRIPE_BALANCE, "projection:ledger"),
        (STRIPE_BALANCE, "projection:payouts"),
    ]


async def test_nobody_can_write_an_entry_whose_sides_differ(pool: Pool) -> None:
    insert = (
        "INSERT INTO read_model.ledger_lines (position, number, line, account, currency, amount, at)"
        " VALUES (1, 0, 1, 'bank', 'USD', 5, now()), (1, 0, 2, 'refunds', 'USD', %s, now()),"
        " (1, 0, 3, 'refunds', 'EUR', 0, now())"
    )
    async with pool.connection() as conn:
        with pytest.raises(psycopg.errors.CheckViolation, match="not balanced: 1 USD"):
            async with conn.transaction():
                await conn.execute(insert, [-4])
        await conn.execute(insert, [-5])


async def test_the_application_may_only_read_movements_and_the_ledgers_progress(app: AppConnection, pool: Pool) -> None:
    await store_balance(app, a_row("txn_1", reporting_category="topup", source_id=None))
    await project_log(pool, await load_log(app))
    found = await (await app.execute("SELECT amount, fee FROM ledger.stripe_movements")).fetchall()
    assert found == [(1000, 59)]
    progress = "SELECT topic, position > 0 FROM read_model.projection_checkpoints WHERE projection = 'ledger'"
    assert await (await app.execute(progress)).fetchall() == [(STRIPE_BALANCE, True)]
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await app.execute("SELECT * FROM read_model.ledger_lines")


async def test_a_refund_that_is_pending_at_stripe_is_posted_once(
    app: AppConnection, pool: Pool, reader: Connection
) -> None:
    request = request_payment()
    stripe_id = f"re_{REFUND.hex}"
    requested, succeeded = refunded(REFUND, usd(400))
    pending = RecordRefundPending(refund_id=REFUND, stripe_refund_id=StripeRefundId(stripe_id))
    life = events_of([*paid(request), requested, pending, succeeded])
    await store(app, [(request.payment_id, life)], rng=random.Random(3))
    for message in by_partition(await load_log(app), 1)[0]:
        await projecting(pool, PROJECTIONS)(TopicPartition(PAYMENT, 0), [message])  # the state is read back each time
    assert (await balances(reader))["refunds", "USD"] == 400
    assert (await movements(app))[stripe_id, "refund"]["amount"] == -400


def a_refunds_row(stripe_id: str, **changes: Any) -> TransactionRecorded:
    return a_row(**{"transaction_id": "txn_went", "source_id": stripe_id, "reporting_category": "refund"} | changes)


def pending_refund(stripe_id: str) -> RecordRefundPending:
    return RecordRefundPending(refund_id=REFUND, stripe_refund_id=StripeRefundId(stripe_id))


async def test_a_pending_refund_is_in_the_books_once_its_money_moved(
    app: AppConnection, pool: Pool, reader: Connection
) -> None:
    request, stripe_id = request_payment(), f"re_{REFUND.hex}"
    requested, _ = refunded(REFUND, usd(400))
    await store(app, [(request.payment_id, events_of([*paid(request), requested, pending_refund(stripe_id)]))])
    await project_log(pool, await load_log(app))
    assert ("refunds", "USD") not in await balances(reader)
    assert (stripe_id, "refund") not in await movements(app), "nothing is missing at Stripe"
    await store_balance(app, a_refunds_row(stripe_id, amount=-400, fee=0))
    await project_log(pool, await load_log(app))
    assert (await balances(reader))["refunds", "USD"] == 400
    known = (await movements(app))[stripe_id, "refund"]
    assert (known["amount"], known["at"].timestamp(), known["payment_id"]) == (-400, CREATED, request.payment_id)


@pytest.mark.parametrize("moved", [False, True])
async def test_a_pending_refund_that_is_canceled_leaves_what_stripe_has(
    moved: bool, app: AppConnection, pool: Pool, reader: Connection
) -> None:
    request, stripe_id = request_payment(), f"re_{REFUND.hex}"
    requested, _ = refunded(REFUND, usd(400))
    canceled = RecordRefundFailed(
        refund_id=REFUND, stripe_refund_id=StripeRefundId(stripe_id), code="refund_canceled", message="m"
    )
    await store(
        app, [(request.payment_id, events_of([*paid(request), requested, pending_refund(stripe_id), canceled]))]
    )
    if moved:
        await store_balance(app, a_refunds_row(stripe_id, amount=-400, fee=0))
    await project_log(pool, await load_log(app), partitions=PARTITIONS)
    refunds = {key: each["amount"] for key, each in (await movements(app)).items() if key[0] == stripe_id}
    # What went has to come back: it is missing at Stripe until then.
    assert refunds == ({(stripe_id, "refund"): -400, (stripe_id, "refund_failure"): 400} if moved else {})
    assert (await clearing(reader))["USD"] == (600 if moved else 1000)
    if moved:
        back = {"transaction_id": "txn_back", "reporting_category": "refund_failure"}
        await store_balance(app, a_refunds_row(stripe_id, amount=400, fee=0, **back))
        await project_log(pool, await load_log(app), partitions=PARTITIONS)
        assert await clearing(reader) == {"USD": 1000}


@pytest.mark.parametrize("row_first", [True, False])
async def test_a_refund_stands_with_the_first_that_says_it_moved(
    row_first: bool, app: AppConnection, pool: Pool, reader: Connection, database: Database
) -> None:
    """Whichever topic is ahead: nothing is posted twice, and a rebuild gives the same."""
    request, stripe_id = request_payment(), f"re_{REFUND.hex}"
    requested, succeeded = refunded(REFUND, usd(400))
    life = events_of([*paid(request), requested, pending_refund(stripe_id), succeeded])
    row = a_refunds_row(stripe_id, amount=-400, fee=0)
    if row_first:
        await store_balance(app, row)
        await store(app, [(request.payment_id, life)])
    else:
        await store(app, [(request.payment_id, life)])
        await store_balance(app, row)
    log = await load_log(app)
    seen = []
    for categories in (("payment", "stripe-balance"), ("stripe-balance", "payment")):
        for category in categories:
            for message in by_partition([event for event in log if event.category == category], 1)[0]:
                await projecting(pool, PROJECTIONS)(TopicPartition(topic_of(category), 0), [message])
        seen.append(await everything(reader))
        await forget(database)
        await forget_checkpoints(database)
    assert seen[0] == seen[1]
    (entry,) = [each for each in seen[0]["ledger_entries"] if each["category"] == "refund"]
    (ours,) = [event.position for event in log if event.type == "payment.refund_succeeded"]
    (theirs,) = [event.position for event in log if event.category == "stripe-balance"]
    assert entry["position"] == min(ours, theirs)


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2), (2, 1, 0)])
async def test_a_disputes_second_row_is_in_the_ledger(
    order: tuple[int, ...], app: AppConnection, pool: Pool, reader: Connection, database: Database
) -> None:
    request = request_payment()
    charge = f"ch_{request.payment_id.hex}"
    life = events_of([*paid(request), disputed("du_1", charge, usd(1000), withdrawn=1)])
    await store(app, [(request.payment_id, life)])
    of_dispute = {"type": "adjustment", "reporting_category": "dispute", "source_id": "du_1"}
    its_rows = [
        a_row("txn_1", **of_dispute, amount=-1000, fee=1500),
        a_row("txn_2", **of_dispute, amount=-30, fee=0),
        a_row("txn_3", **of_dispute, amount=-1000, fee=1500),  # the first one again: a mistake, and not booked
    ]
    # Stripe lists the newest first, so a later page has the earlier rows.
    await store_balance(app, *(its_rows[number] for number in order))
    log = await load_log(app)
    await deliver(random.Random(1), pool, log)
    assert (await balances(reader))["disputes", "USD"] == 1030
    seen = await rows(app, "SELECT transaction_id, amount FROM ledger.stripe_movements WHERE source_id = 'du_1'")
    first = next(its_rows[number].transaction_id for number in order if number != 1)
    assert {(each["transaction_id"], each["amount"]) for each in seen} == {(first, -1000), ("txn_2", -30)}
    before = await everything(reader)
    await forget(database)
    await forget_checkpoints(database)
    await deliver(random.Random(2), pool, log)
    assert await everything(reader) == before


async def test_a_row_of_a_dispute_that_stood_for_another_is_put_right_by_it(
    app: AppConnection, pool: Pool, reader: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = request_payment()
    taken = disputed("du_1", f"ch_{request.payment_id.hex}", usd(1000), withdrawn=1)
    await store(app, [(request.payment_id, events_of([*paid(request), taken]))])
    of_dispute = {"type": "adjustment", "reporting_category": "dispute", "source_id": "du_1", "fee": 0}
    await store_balance(app, a_row("txn_2", **of_dispute, amount=-30), a_row("txn_1", **of_dispute, amount=-1000))
    never = projection._SQL.put_matching_row_first.replace("m.exchange_rate IS NULL", "false")
    with monkeypatch.context() as as_before:
        as_before.setitem(projection._SQL._statements, "put_matching_row_first", never)
        await deliver(random.Random(1), pool, await load_log(app))
    assert (await balances(reader))["disputes", "USD"] == 2000
    await store_balance(app, a_row("txn_3", **of_dispute, amount=-5))
    await deliver(random.Random(1), pool, await load_log(app))
    assert (await balances(reader))["disputes", "USD"] == 1035
    seen = await rows(app, "SELECT transaction_id, amount FROM ledger.stripe_movements WHERE source_id = 'du_1'")
    assert {(each["transaction_id"], each["amount"]) for each in seen} == {
        ("txn_1", -1000),
        ("txn_2", -30),
        ("txn_3", -5),
    }
    days = await rows(
        reader, "SELECT sum(debit - credit)::bigint AS amount FROM read_model.ledger_days WHERE account = 'disputes'"
    )
    assert days[0]["amount"] == 1035


@pytest.mark.parametrize("rates", [[None] * 5, ["1.08"] * 5, ["1.08", "1.09", "1.09", "1.08", "1.1"]])
async def test_a_dispute_that_is_taken_once_more_is_in_the_ledger(
    rates: Sequence[str | None], app: AppConnection, pool: Pool, reader: Connection, database: Database
) -> None:
    request = request_payment(amount=Money(amount_cents=1000, currency="EUR"))
    seen = [
        disputed("du_1", f"ch_{request.payment_id.hex}", request.amount, status=status, **moved)
        for status, moved in (
            (DisputeStatus.NEEDS_RESPONSE, {"withdrawn": 1}),
            (DisputeStatus.WON, {"withdrawn": 1, "reinstated": 1}),
            (DisputeStatus.LOST, {"withdrawn": 2, "reinstated": 1}),
            (DisputeStatus.WON, {"withdrawn": 2, "reinstated": 2}),
            (DisputeStatus.LOST, {"withdrawn": 3, "reinstated": 2}),
        )
    ]
    await store(app, [(request.payment_id, events_of([*paid(request), *seen]))])
    its_rows = [
        a_row(
            f"txn_{number}",
            source_id="du_1",
            reporting_category=("dispute", "dispute_reversal")[number % 2],
            amount=(-1) ** (number + 1) * round(1000 * float(rate or 1)),
            fee=0,
            currency="EUR" if rate is None else "USD",
            exchange_rate=rate,
        )
        for number, rate in enumerate(rates)
    ]
    again = replace(its_rows[-1], transaction_id=BalanceTransactionId("txn_again"))  # a mistake, and not booked
    await store_balance(app, *its_rows, *([again] if len(set(rates)) == 1 else []))
    log = await load_log(app)
    await deliver(random.Random(1), pool, log)

    expected = nets(its_rows)
    expected["EUR"] = expected.get("EUR", 0) + 1000  # the charge, of which Stripe has no row yet
    assert await clearing(reader) == {currency: amount for currency, amount in expected.items() if amount}
    assert await compared(app, its_rows) == []
    assert await compared(app, [*its_rows, again]) == [(DifferenceKind.DUPLICATE, ("txn_again",))]
    before = await everything(reader)
    await forget(database)
    await forget_checkpoints(database)
    await deliver(random.Random(2), pool, log)
    assert await everything(reader) == before


@pytest.mark.parametrize(
    ("categories", "expected"),
    [
        (["refund"], (DifferenceKind.STATUS, ())),
        (["refund", "refund_failure", "refund"], (DifferenceKind.DUPLICATE, ("txn_0", "txn_2"))),
    ],
    ids=["it never failed there", "it was paid once more"],
)
async def test_a_refund_accepted_after_it_failed_is_shown_and_not_guessed(
    categories: Sequence[str], expected: tuple[DifferenceKind, Any], app: AppConnection, pool: Pool, reader: Connection
) -> None:
    """Stripe calls a failed refund final: what it says against that stays a difference, which names its rows."""
    request, amount = request_payment(amount=usd(1000)), usd(400)
    refund_id, stripe_id = RefundId(uuid.uuid4()), StripeRefundId("re_1")
    found = RecordRefundFound(refund_id=refund_id, stripe_refund_id=stripe_id, amount=amount, reason=None)
    life = events_of(
        [
            *paid(request),
            RequestRefund(refund_id=refund_id, amount=amount, reason=None),
            RecordRefundSucceeded(refund_id=refund_id, stripe_refund_id=stripe_id),
            RecordRefundFailed(refund_id=refund_id, stripe_refund_id=stripe_id, code="unknown", message="It failed."),
            found,
            AcceptStripe(actor="ada", reason="seen in the Dashboard"),
            RecordRefundSucceeded(refund_id=refund_id, stripe_refund_id=stripe_id),
        ]
    )
    assert isinstance(life[-1], RefundSucceeded)
    await store(app, [(request.payment_id, life)])
    rows_ = [
        a_refunds_row(
            "re_1", transaction_id=f"txn_{number}", reporting_category=category, type=category, amount=amount_, fee=0
        )
        for number, (category, amount_) in enumerate(
            (each, 400 if each == "refund_failure" else -400) for each in categories
        )
    ]
    await store_balance(app, *rows_)
    await project_log(pool, await load_log(app), partitions=PARTITIONS)
    assert await compared(app, rows_) == [expected]
    # The charge, of which Stripe has no row yet, and a refund that went and came back.
    assert await clearing(reader) == {"USD": 1000}
    assert nets(rows_) == {"USD": -400}


async def compared(conn: Connection, theirs: Sequence[TransactionRecorded]) -> list[tuple[DifferenceKind, Any]]:
    """Return the differences between Stripe's rows of a source, on whatever days, and the ledger's."""
    (source_id,) = {movement_source(row) for row in theirs}
    ours = [
        Movement(**(each | {"at": CREATED, "transaction_at": CREATED}))
        for each in await rows(conn, f"SELECT {', '.join(Movement._fields)} FROM ledger.stripe_movements")
        if each["source_id"] == source_id
    ]
    stripe = [
        StripeRow(
            source_id,
            row.reporting_category,
            row.transaction_id,
            row.amount,
            row.fee,
            row.currency,
            row.created,
            row.exchange_rate,
        )
        for row in theirs
    ]
    window = Window.of_any_day(date=date(2026, 5, 1), time_zone="UTC", cutoff=0, now=2 * CREATED)
    return [(each.difference.kind, each.difference.transaction_ids) for each in classify(stripe, ours, window)]


async def known_rows(conn: Connection) -> set[tuple[str, int, str]]:
    found = await rows(conn, "SELECT transaction_id, amount, currency FROM ledger.stripe_movements")
    assert len(found) == len({each["transaction_id"] for each in found})
    return {(each["transaction_id"], each["amount"], each["currency"]) for each in found}


async def test_rows_of_stripe_are_locked_in_one_order_known_or_not(app: AppConnection, pool: Pool) -> None:
    """As the payments' events lock them: otherwise two batches could wait for each other."""
    await store_balance(app, a_row("txn_known", source_id="ch_1"))
    await store_balance(app, *(a_row(f"txn_{number}", source_id=f"ch_{number}") for number in (1, 2)))
    known, *others = by_partition(await load_log(app), 1)[0]
    apply, partition = projecting(pool, PROJECTIONS), TopicPartition(STRIPE_BALANCE, 0)
    await apply(partition, [known])
    async with pool.connection() as conn, conn.transaction():
        await conn.execute("SELECT FROM read_model.ledger_movements WHERE source_id = 'ch_1' FOR UPDATE")
        batch = asyncio.create_task(apply(partition, others))
        await blocking_another(conn)
        await conn.execute(MOVE, {"source_id": "ch_2"})
    assert (await batch).applied == 2


async def test_a_poll_of_both_topics_holds_no_sums_while_it_waits_for_a_row(app: AppConnection, pool: Pool) -> None:
    """Another one may have that row and wait for the sums."""
    first, second = request_payment(), request_payment()
    await store(app, [(each.payment_id, events_of(paid(each))) for each in (first, second)])
    await store_balance(app, a_row("txn_1", source_id="ch_1"))
    log, apply = await load_log(app), projecting(pool, PROJECTIONS)
    poll = {
        TopicPartition(topic, 0): by_partition([each for each in log if topic_of(each.category) == topic], 1)[0]
        for topic in (PAYMENT, STRIPE_BALANCE)
    }
    payments = TopicPartition(PAYMENT, 0)
    seen = [each for each in poll[payments] if each.event.stream_id == first.payment_id]
    await apply(payments, seen)
    async with pool.connection() as conn, conn.transaction():
        await conn.execute(MOVE, {"source_id": "ch_1"})
        applying = asyncio.create_task(apply.apply_together(poll))
        await blocking_another(conn)
        await conn.execute("UPDATE read_model.ledger_days SET debit = debit")
    assert [each.applied for each in (await applying).values()] == [len(poll[payments]) - len(seen), 1]


async def blocking_another(conn: Connection) -> None:
    query = "SELECT FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
    async with asyncio.timeout(10):
        while not await rows(conn, query):  # noqa: ASYNC110 - another process is waited for
            await asyncio.sleep(0.01)


async def test_each_row_of_a_source_is_known_to_the_reconciliation(app: AppConnection, pool: Pool) -> None:
    cost = {"type": "stripe_fee", "reporting_category": "network_cost", "fee": 0}
    await store_balance(app, *(a_row(f"txn_{number}", **cost, amount=-number) for number in (1, 2, 3)))
    await project_log(pool, await load_log(app), partitions=PARTITIONS)
    seen = await rows(app, "SELECT transaction_id, amount FROM ledger.stripe_movements")
    assert {(each["transaction_id"], each["amount"]) for each in seen} == {("txn_1", -1), ("txn_2", -2), ("txn_3", -3)}
