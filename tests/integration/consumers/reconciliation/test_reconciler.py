"""Runs on a real database: exactly what differs is recorded, each once, however often and by however many it is run."""

import asyncio
import os
import signal
import sys
import uuid
from collections import Counter
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from consumers.reconciliation.discrepancies import write_rows
from consumers.reconciliation.run.catch_up import LedgerBehind, PollerBehind
from consumers.reconciliation.run.staging import RowsLost
from consumers.reconciliation.schedule.intake import write_tables
from consumers.reconciliation.statement.fakes import MemoryStatement
from consumers.reconciliation.statement.statement import Owner
from domain.ids import BalanceSourceId, BalanceTransactionId, DiscrepancyId, PaymentId, PayoutId, RunId, StripeIntentId
from domain.money import SignedMoney
from domain.reconciliation.discrepancy import DiscrepancyCommand, Explain, Resolve
from domain.reconciliation.rows import Movement, PayoutSum, StripeRow
from domain.reconciliation.run import RunStatus
from domain.stripe_balance import TransactionRecorded
from event_store.reconciliation import command_discrepancies, metadata
from event_store.store import Connection
from schemas.events import BALANCE_CODEC
from tests.integration.consumers.reconciliation.reconciliation_run import (
    CUTOFF_S,
    LATER,
    WINDOW,
    Agreeing,
    Harness,
)
from tests.support.events_of_a_newer_release import append_unknown_event
from tests.support.payment_histories import by_partition
from tests.support.paystream_command import paystream
from tests.support.read_model import load_log
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

NEXT_DAY = date(2026, 3, 11)
WRONG_PAYOUT = PayoutSum(
    payout_id=PayoutId("po_1"),
    amount=SignedMoney(amount_cents=900, currency="JPY"),
    created=WINDOW.start,
    items=3,
    items_net=SignedMoney(amount_cents=899, currency="JPY"),
    final=True,
)
"""It is not the sum of what it pays."""


def differences(rows: list[dict[str, str]], *, status: str = "open") -> list[tuple[str, str]]:
    return [(row["kind"], row["source_id"]) for row in rows if row["status"] == status]


async def spoilt(harness: Harness, count: int = 30) -> list[tuple[str, str]]:
    """Plant one difference of each kind, and return kind and source of each that stays open."""
    statement = Agreeing.of(count)
    stripe, ledger = statement.stripe, statement.ledger
    stripe[2] = stripe[2]._replace(amount=7)
    stripe[3] = stripe[3]._replace(fee=60)
    stripe[4] = stripe[4]._replace(currency="EUR")
    stripe.append(stripe[5]._replace(transaction_id=BalanceTransactionId("txn_double")))
    stripe.append(stripe[6]._replace(category="refund_failure", transaction_id=BalanceTransactionId("txn_failure")))
    ledger[7] = ledger[7]._replace(at=WINDOW.end + 5)
    del stripe[0], ledger[1]
    harness.statement.stripe = stripe
    await harness.ledger.write(ledger)
    return [
        ("amount", "ch_00000002"),
        ("currency", "ch_00000004"),
        ("duplicate", "ch_00000005"),
        ("fee", "ch_00000003"),
        ("missing_at_stripe", "ch_00000000"),
        ("missing_here", "ch_00000001"),
        ("status", "ch_00000006"),
    ]


async def test_one_of_each_kind_is_found_each_once(harness: Harness) -> None:
    expected = await spoilt(harness)
    state = await harness.run()
    found = await harness.discrepancies()
    assert differences(found) == expected
    assert differences(found, status="resolved") == [("timing", "ch_00000007")]
    assert state.completed is not None
    assert state.completed.found == {
        **dict.fromkeys(("amount", "currency", "duplicate", "fee", "missing_at_stripe", "missing_here", "status"), 1),
        "timing": 1,
    }
    assert (state.completed.opened, state.completed.resolved) == (7, 0)
    totals = {each.currency: each for each in state.completed.totals}
    assert set(totals) == {"EUR", "JPY", "KWD", "USD"}
    assert (totals["KWD"].stripe_rows, totals["KWD"].ledger_rows) == (11, 10)
    assert await harness.query("SELECT * FROM reconciliation.stripe_rows") == []


async def test_a_second_run_of_the_day_opens_nothing_again(harness: Harness) -> None:
    await spoilt(harness)
    await harness.run()
    before = await harness.events()
    state = await harness.run()
    assert state.number == 2
    assert (await harness.events()) - before == Counter(
        {"reconciliation.requested": 1, "reconciliation.started": 1, "reconciliation.completed": 1}
    )
    assert state.completed is not None
    assert (state.completed.opened, state.completed.found["amount"]) == (0, 1)


async def test_once_a_run_has_returned_the_next_execution_is_not_kept_out(harness: Harness) -> None:
    run_id = await harness.request()
    states = [await harness.reconciler().run(run_id) for _ in range(30)]
    assert None not in states


async def test_whatever_is_in_an_id_comes_back_as_it_was(harness: Harness) -> None:
    statement = Agreeing.of(4)
    strange = ["a\\N", "b\tc\nd\re", "\\.", "é\\t"]
    rows = [
        row._replace(source_id=BalanceSourceId(source), exchange_rate="1.5")
        for row, source in zip(statement.stripe, strange, strict=True)
    ]
    harness.statement.stripe = rows
    await harness.ledger.write(
        [row._replace(source_id=BalanceSourceId(source)) for row, source in zip(statement.ledger, strange, strict=True)]
    )
    state = await harness.run()
    assert state.completed is not None
    assert state.completed.found == {}
    assert sum(each.stripe_rows for each in state.completed.totals) == 4


async def test_two_runs_at_the_same_instant_give_one_result(harness: Harness) -> None:
    expected = await spoilt(harness)
    run_ids = await asyncio.gather(*(harness.request() for _ in range(4)))
    assert len(set(run_ids)) == 1
    states = await asyncio.gather(*(harness.reconciler().run(RunId(run_ids[0])) for _ in range(4)))
    completed = [state for state in states if state is not None]
    assert completed, "the others passed, or came when it had ended"
    assert all(state == completed[0] and state.completed for state in completed)
    assert differences(await harness.discrepancies()) == expected
    assert {name: count for name, count in (await harness.events()).items() if name.startswith("rec")} == {
        "reconciliation.requested": 1,
        "reconciliation.started": 1,
        "reconciliation.completed": 1,
    }


async def test_without_any_lock_the_result_is_one_too(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = await spoilt(harness)
    monkeypatch.setattr("consumers.reconciliation.run.reconciler.Reconciler._try_lock", lambda *_: _Nobody())
    run_id = await harness.request()
    # Each meets the others between any two pages.
    statements = [replace(harness.statement, page=1) for _ in range(4)]
    await asyncio.gather(*(harness.reconciler(each).run(RunId(run_id)) for each in statements))
    assert differences(await harness.discrepancies()) == expected
    events = await harness.events()
    assert (events["discrepancy.opened"], events["discrepancy.resolved"], events["discrepancy.reopened"]) == (8, 1, 0)
    assert (events["reconciliation.started"], events["reconciliation.completed"]) == (1, 1)


class _Nobody:
    async def __aenter__(self) -> bool:
        return True

    async def __aexit__(self, *_: object) -> None:
        return None


KILLED = """
import asyncio, sys
from tests.integration.consumers.reconciliation.killed_reconciliation_program import run
asyncio.run(run(*sys.argv[1:]))
"""


@pytest.mark.parametrize("at", ["reading", "comparing", "recorded", "looking"])
@pytest.mark.slow
async def test_a_run_that_is_killed_and_begun_again_gives_the_same_result(harness: Harness, at: str) -> None:
    expected = await spoilt(harness)
    run_id = await harness.request()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", KILLED, harness.database.url("app"), str(run_id), at),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    rows = "\n".join("\t".join("" if part is None else str(part) for part in row) for row in harness.statement.stripe)
    process.stdin.write(rows.encode() + b"\n\n")
    await process.stdin.drain()
    async with asyncio.timeout(30):
        while (line := await process.stdout.readline()) != b"now\n":
            assert line, "it ended by itself"
    os.kill(process.pid, signal.SIGKILL)
    await process.wait()
    state = await harness.state(run_id)
    assert state is not None
    assert state.status is RunStatus.RUNNING
    # PostgreSQL may not have heard yet that the process is gone, which had locked the run.
    again = await eventually(
        lambda: harness.reconciler().run(RunId(run_id)), lambda state: state is not None, within=20
    )
    assert again is not None
    assert again.completed is not None
    assert (again.attempt, again.completed.opened, sum(again.completed.found.values())) == (1, 7, 8)
    assert differences(await harness.discrepancies()) == expected
    assert (await harness.events())["discrepancy.opened"] == 8


async def test_what_is_gone_is_resolved_and_comes_back(harness: Harness) -> None:
    expected = await spoilt(harness)
    await harness.run()
    wrong = list(harness.statement.stripe)
    good = Agreeing.of(30)
    double, failure = wrong[-2:]
    harness.statement.stripe = [*good.stripe, double, failure]  # Stripe removes no row
    await harness.ledger.write([*good.ledger, good.ledger[6]._replace(category="refund_failure")])
    state = await harness.run()
    assert state.completed is not None
    assert (state.completed.resolved, state.completed.found) == (6, {"duplicate": 1})
    found = await harness.discrepancies()
    assert differences(found) == [("duplicate", double.source_id)]
    assert {row["actor"] for row in found if row["status"] == "resolved"} == {"reconciliation"}
    harness.statement.stripe = wrong
    await harness.run()
    assert differences(await harness.discrepancies()) == [
        each for each in expected if each[0] not in {"missing_here", "status"}
    ]
    assert (await harness.events())["discrepancy.reopened"] == 4


async def test_the_run_of_another_day_resolves_what_matches_by_then(harness: Harness) -> None:
    statement = Agreeing.of(3)
    harness.statement.stripe = statement.stripe
    await harness.ledger.write(statement.ledger[1:])
    await harness.run()
    assert differences(await harness.discrepancies()) == [("missing_here", "ch_00000000")]
    # The webhook comes five days late, or the payment was read again.
    await harness.ledger.write([statement.ledger[0]._replace(at=WINDOW.end + 5 * 86_400), *statement.ledger[1:]])
    state = await harness.run(NEXT_DAY)
    assert differences(await harness.discrepancies(), status="resolved") == [("missing_here", "ch_00000000")]
    assert state.completed is not None
    assert (state.completed.resolved, state.completed.found) == (1, {})


async def test_what_our_book_has_on_a_later_day_is_not_missing_at_stripe(harness: Harness) -> None:
    statement = Agreeing.of(1)
    harness.statement.stripe = statement.stripe
    await harness.ledger.write([statement.ledger[0]._replace(at=WINDOW.end + 5 * 86_400)])
    harness.now = LATER + 10 * 86_400
    state = await harness.run(date(2026, 3, 16))
    assert state.completed is not None
    assert state.completed.found == {}
    assert harness.statement.looked_up == ["ch_00000000"]


async def test_what_may_still_come_is_a_matter_of_time_until_it_is_not(harness: Harness) -> None:
    statement = Agreeing.of(1)
    harness.statement.stripe = statement.stripe
    await harness.ledger.write([])
    harness.now = float(statement.stripe[0].created + CUTOFF_S - 1)
    await harness.run()
    assert differences(await harness.discrepancies()) == [("timing", "ch_00000000")]
    harness.now = LATER
    await harness.run()
    found = await harness.discrepancies()
    assert differences(found) == [("missing_here", "ch_00000000")]
    assert differences(found, status="resolved") == [("timing", "ch_00000000")]


async def test_an_explanation_stays_and_what_was_called_resolved_is_opened_again(
    harness: Harness,
) -> None:
    await spoilt(harness)
    await harness.run()
    ids = {
        row["kind"]: row["discrepancy_id"]
        for row in await harness.query("SELECT kind, discrepancy_id FROM reconciliation.discrepancies")
    }
    async with harness.pool.connection() as conn:
        await command_discrepancies(
            conn,
            {
                ids["amount"]: Explain(actor="ana", reason="a tip"),
                ids["fee"]: Resolve(actor="ana", reason="Stripe corrects it"),
            },
            metadata(correlation_id="c", actor="operator:ana"),
        )
    await harness.run()
    status = {row["kind"]: (row["status"], row["actor"]) for row in await harness.discrepancies()}
    assert status["amount"] == ("explained", "ana")
    assert status["fee"] == ("open", None)


async def test_a_payout_that_is_not_the_sum_of_what_it_pays(harness: Harness) -> None:
    await harness.ledger.write([])
    good = replace(WRONG_PAYOUT, items_net=WRONG_PAYOUT.amount)
    harness.statement.payout_sums = [good, replace(WRONG_PAYOUT, payout_id=PayoutId("po_2"))]
    state = await harness.run()
    assert state.completed is not None
    assert state.completed.payouts == 2
    assert [(row["kind"], row["source_id"], row["category"]) for row in await harness.discrepancies()] == [
        ("amount", "po_2", "payout_items")
    ]
    harness.statement.payout_sums = [good, replace(good, payout_id=PayoutId("po_2"))]
    await harness.run(NEXT_DAY)
    assert differences(await harness.discrepancies(), status="resolved") == [("amount", "po_2")]


async def test_a_lost_webhook_has_its_payment_read_again_and_nothing_else(harness: Harness) -> None:
    statement = Agreeing.of(3)
    harness.statement.stripe = statement.stripe
    await harness.ledger.write([])
    ours = await _a_payment(harness)
    harness.statement.owners = {
        "ch_00000000": Owner(intent_id=StripeIntentId("pi_ours"), payment_id=None),
        "ch_00000001": Owner(intent_id=StripeIntentId("pi_foreign"), payment_id=None),
        "ch_00000002": Owner(intent_id=None, payment_id=PaymentId(uuid.uuid4())),
    }
    state = await harness.run()
    tasks = await harness.query(
        "SELECT payment_id, operation, correlation_id, requested_by FROM consumers.gateway_tasks"
    )
    assert [(each["payment_id"], each["operation"]) for each in tasks] == [(ours, "refresh_payment")]
    assert tasks[0]["correlation_id"] == f"reconciliation-{state.run_id}-1"
    assert tasks[0]["requested_by"] == "reconciliation"
    assert state.completed is not None
    # One is of another system; the third has our metadata, and yet we know nothing of it.
    assert (state.completed.backfilled, state.completed.opened) == (1, 2)


async def test_charges_of_another_system_are_counted_apart(harness: Harness) -> None:
    statement = Agreeing.of(3, currencies=("USD",))
    theirs = statement.stripe[0]
    harness.statement.stripe = statement.stripe
    await harness.ledger.write(statement.ledger[1:])
    await harness.run()
    assert differences(await harness.discrepancies()) == [("missing_here", theirs.source_id)], (
        "nobody knows whose it is"
    )
    harness.statement.owners = {theirs.source_id: Owner(intent_id=StripeIntentId("pi_foreign"), payment_id=None)}
    state = await harness.run()
    assert state.completed is not None
    (totals,) = state.completed.totals
    assert (totals.foreign_rows, totals.foreign_amount, totals.foreign_fee) == (1, theirs.amount, theirs.fee)
    assert totals.stripe_amount == totals.ledger_amount + totals.foreign_amount
    assert (state.completed.found, state.completed.resolved) == ({}, 1)
    (known,) = await harness.discrepancies()
    assert (known["status"], known["reason"]) == (
        "resolved",
        "It is of another system in the same account at Stripe: it has no metadata of ours.",
    )
    harness.now += 86_400
    await harness.run(NEXT_DAY)
    assert (await harness.events())["discrepancy.opened"] == 1


async def test_a_pending_charge_that_failed_later_is_no_difference_on_either_day(harness: Harness) -> None:
    (charge,) = Agreeing.of(1, currencies=("USD",)).stripe
    charge = charge._replace(source_id=BalanceSourceId("py_1"), fee=0)
    harness.statement.stripe = [charge]
    harness.statement.owners = {"py_1": Owner(intent_id=StripeIntentId("pi_ours"), payment_id=None)}
    await harness.ledger.write([])
    await _a_payment(harness)
    await harness.run()
    assert differences(await harness.discrepancies()) == [("missing_here", "py_1")], "it may still succeed"
    harness.statement.stripe.append(
        charge._replace(
            category="charge_failure",
            transaction_id=BalanceTransactionId("txn_failed"),
            amount=-charge.amount,
            created=WINDOW.end + 50_000,
        )
    )
    harness.now = LATER + 86_400
    for day in (NEXT_DAY, None):
        await (harness.run() if day is None else harness.run(day))
        found = await harness.discrepancies()
        assert {(each["kind"], each["status"]) for each in found} == {
            ("missing_here", "resolved"),
            ("timing", "resolved"),
        }


async def _a_payment(harness: Harness) -> PaymentId:
    payment_id = PaymentId(uuid.uuid4())
    await harness.query(
        "INSERT INTO event_store.streams (stream_id, category, merchant_id, version)"
        f" VALUES ('{payment_id}', 'payment', 'm', 1); INSERT INTO consumers.payment_intents"
        f" (intent_id, payment_id) VALUES ('pi_ours', '{payment_id}')"
    )
    return payment_id


async def test_a_double_of_another_day_is_one_discrepancy_from_either_day(harness: Harness) -> None:
    statement = Agreeing.of(1)
    first, ours = statement.stripe[0], statement.ledger[0]
    harness.statement.stripe = [
        first,
        first._replace(transaction_id=BalanceTransactionId("txn_again"), created=WINDOW.end + 50_000),
    ]
    await harness.ledger.write([ours._replace(transaction_id=first.transaction_id, transaction_at=first.created)])
    harness.now = LATER + 86_400
    await harness.run()
    assert await harness.discrepancies() == [], "of its own day there is nothing to say"
    await harness.run(NEXT_DAY)
    (row,) = await harness.query("SELECT discrepancy_id, kind, stripe_amount, date FROM reconciliation.discrepancies")
    assert (row["kind"], row["stripe_amount"], row["date"]) == ("duplicate", 2 * first.amount, NEXT_DAY)
    async with harness.pool.connection() as conn:
        commands: dict[DiscrepancyId, DiscrepancyCommand] = {
            row["discrepancy_id"]: Explain(actor="ana", reason="asked Stripe")
        }
        decided = await command_discrepancies(conn, commands, metadata(correlation_id="c", actor="operator:ana"))
        await write_rows(conn, decided)
    harness.now += 86_400
    for day in (date(2026, 3, 12), NEXT_DAY):
        await harness.run(day)
    assert differences(await harness.discrepancies(), status="explained") == [("duplicate", first.source_id)]
    assert (await harness.events())["discrepancy.reopened"] == 0


async def test_rows_that_no_poll_brought_are_recorded_and_nothing_else(harness: Harness, app: Connection) -> None:
    statement = Agreeing.of(3, currencies=("USD",))
    payout = StripeRow(
        BalanceSourceId("po_1"), "payout", BalanceTransactionId("txn_payout"), -2000, 0, "USD", WINDOW.start + 60
    )
    fee = StripeRow(BalanceSourceId("txn_fee"), "fee", BalanceTransactionId("txn_fee"), -7, 0, "USD", WINDOW.start + 70)
    harness.statement.stripe = [*statement.stripe, payout, fee]
    odd = StripeRow(BalanceSourceId("txn_odd"), "fee", BalanceTransactionId("txn_odd"), -1, 0, "USD", WINDOW.start + 80)
    harness.statement.stripe.append(odd)
    harness.statement.transactions = {row.transaction_id: as_stripe_writes(row) for row in harness.statement.stripe}
    del harness.statement.transactions["txn_odd"]["available_on"]
    await harness.ledger.write([statement.ledger[0]._replace(fee=None), *statement.ledger[1:]])
    state = await harness.run()
    assert state.completed is not None
    assert (state.completed.found, state.completed.backfilled) == ({"fee": 1, "missing_here": 3}, 3)
    log = [event for event in await load_log(app) if event.category == "stripe-balance"]
    events = [BALANCE_CODEC.decode(event) for event in log]
    assert {event.transaction_id for event in events if isinstance(event, TransactionRecorded)} == {
        *("txn_00000000", "txn_payout", "txn_fee")
    }
    assert {event.metadata.actor for event in log} == {"reconciliation"}
    await harness.query(
        "INSERT INTO consumers.consumer_checkpoints (consumer, topic, partition, position)"
        " SELECT 'projection:ledger', 'paystream.stripe-balance', number, 1000 FROM generate_series(0, 11) AS number"
    )
    again = await harness.run()
    assert again.completed is not None
    assert again.completed.backfilled == 0, "the log has them"
    assert len([event for event in await load_log(app) if event.category == "stripe-balance"]) == 3


def as_stripe_writes(row: StripeRow) -> dict[str, Any]:
    return {
        "id": row.transaction_id,
        "type": row.category,
        "reporting_category": row.category,
        "amount": row.amount,
        "fee": row.fee,
        "net": row.amount - row.fee,
        "currency": row.currency.lower(),
        "source": None if str(row.source_id) == str(row.transaction_id) else row.source_id,
        "created": row.created,
        "available_on": row.created,
    }


async def test_a_run_in_another_time_zone_does_not_resolve_what_it_did_not_see(harness: Harness) -> None:
    expected = await spoilt(harness)
    await harness.run()
    await harness.run(time_zone="Pacific/Honolulu")  # it begins ten hours later: it does not see the first of them
    assert differences(await harness.discrepancies()) == expected


async def test_what_stripe_does_not_show_any_more_is_not_called_gone(harness: Harness) -> None:
    await harness.ledger.write([])
    dispute = StripeRow(
        BalanceSourceId("du_1"), "dispute", BalanceTransactionId("txn_1"), -1000, 1500, "USD", WINDOW.start
    )
    harness.statement.stripe, harness.statement.payout_sums = [dispute], [WRONG_PAYOUT]
    await harness.run()
    expected = [("amount", "po_1"), ("missing_here", "du_1")]
    assert differences(await harness.discrepancies()) == expected
    harness.statement.stripe, harness.statement.payout_sums = [], []
    harness.now += 86_400
    state = await harness.run(NEXT_DAY)
    assert differences(await harness.discrepancies()) == expected
    assert state.completed is not None
    assert state.completed.resolved == 0


async def test_a_run_of_another_day_dates_what_it_finds_by_stripes_row(harness: Harness) -> None:
    statement = Agreeing.of(1, currencies=("USD",))
    theirs, ours = statement.stripe[0], statement.ledger[0]
    await harness.ledger.write([ours])
    await harness.run()
    assert differences(await harness.discrepancies()) == [("missing_at_stripe", ours.source_id)]
    harness.statement.stripe = [theirs._replace(amount=7, created=WINDOW.end + 50_000)]
    harness.now += 2 * 86_400
    await harness.run(date(2026, 3, 12))
    expected = [("amount", ours.source_id)]
    assert differences(await harness.discrepancies()) == expected
    (found,) = await harness.query("SELECT date FROM reconciliation.discrepancies WHERE kind = 'amount'")
    assert found["date"] == NEXT_DAY, "Stripe's row is of that day"
    for day in (WINDOW.date, NEXT_DAY, WINDOW.date):
        await harness.run(day)
        assert differences(await harness.discrepancies()) == expected, day
    assert (await harness.events())["discrepancy.reopened"] == 0


async def test_the_first_day_does_not_resolve_a_double_that_it_does_not_see(harness: Harness) -> None:
    statement = Agreeing.of(1)
    first, ours = statement.stripe[0], statement.ledger[0]
    again = first._replace(transaction_id=BalanceTransactionId("txn_again"), created=WINDOW.end + 50_000)
    harness.statement.stripe = [first, again]
    await harness.ledger.write([])
    harness.now = LATER + 86_400
    await harness.run()
    booked = ours._replace(transaction_id=first.transaction_id, transaction_at=first.created)
    await harness.ledger.write([booked])
    await harness.run(date(2026, 3, 12))
    expected = [("duplicate", first.source_id)]
    assert differences(await harness.discrepancies()) == expected
    for day in (WINDOW.date, NEXT_DAY, WINDOW.date):
        await harness.run(day)
        assert differences(await harness.discrepancies()) == expected, day


async def test_a_row_that_stripe_shows_no_more_is_not_called_gone(harness: Harness) -> None:
    statement = Agreeing.of(2, currencies=("USD",))
    first, fee = statement.stripe[0], statement.stripe[1]._replace(category="network_cost")
    harness.statement.stripe = [
        first,
        first._replace(transaction_id=BalanceTransactionId("txn_again")),
        fee,
        fee._replace(transaction_id=BalanceTransactionId("txn_fee_again")),
    ]
    booked = [statement.ledger[0], statement.ledger[1]._replace(category="network_cost")]
    await harness.ledger.write(
        [
            each._replace(transaction_id=row.transaction_id, transaction_at=row.created)
            for each, row in zip(booked, (first, fee), strict=True)
        ]
    )
    await harness.run()
    expected = [("duplicate", first.source_id), ("missing_here", fee.source_id)]
    assert differences(await harness.discrepancies()) == expected
    harness.statement.stripe = [first, fee]
    harness.now += 86_400
    for day in (NEXT_DAY, WINDOW.date):
        await harness.run(day)
        assert differences(await harness.discrepancies()) == expected, day


async def test_payouts_that_are_not_listed_any_more_stay_open(harness: Harness) -> None:
    await harness.ledger.write([])
    harness.statement.payout_sums = [WRONG_PAYOUT]
    await harness.run()
    harness.statement.payout_sums = []
    await harness.run()
    assert differences(await harness.discrepancies()) == [("amount", "po_1")]


async def test_another_day_does_not_resolve_the_second_row_of_this_one(harness: Harness) -> None:
    first = StripeRow(
        BalanceSourceId("ch_1"), "network_cost", BalanceTransactionId("txn_1"), -5, 0, "USD", WINDOW.start
    )
    second = first._replace(transaction_id=BalanceTransactionId("txn_2"), created=WINDOW.start + 60)
    third = first._replace(transaction_id=BalanceTransactionId("txn_3"), created=WINDOW.end + 40_000)
    booked = [
        Movement(row.source_id, row.category, "USD", row.amount, 0, row.created, None, row.transaction_id, row.created)
        for row in (first, third)
    ]
    harness.statement.stripe = [first, second, third]
    await harness.ledger.write(booked)
    harness.now = LATER + 86_400
    await harness.run()
    assert differences(await harness.discrepancies()) == [("missing_here", "ch_1")]
    await harness.run(NEXT_DAY)
    assert differences(await harness.discrepancies()) == [("missing_here", "ch_1")]
    assert (await harness.events())["discrepancy.opened"] == 1


async def test_a_lost_table_of_discrepancies_is_written_anew_from_the_log(harness: Harness, app: Connection) -> None:
    await spoilt(harness)
    await harness.run()
    (row,) = await harness.query("SELECT discrepancy_id FROM reconciliation.discrepancies WHERE kind = 'amount'")
    async with harness.pool.connection() as conn:
        commands: dict[DiscrepancyId, DiscrepancyCommand] = {
            row["discrepancy_id"]: Explain(actor="ana", reason="a tip")
        }
        decided = await command_discrepancies(conn, commands, metadata(correlation_id="c", actor="operator:ana"))
        await write_rows(conn, decided)
    query = (
        "SELECT discrepancy_id, version, run_id, number, date, kind, source_id, category, status, stripe_amount,"
        " ledger_amount, actor, reason FROM reconciliation.discrepancies ORDER BY discrepancy_id"
    )
    before = await harness.query(query)
    assert len(before) == 8
    await harness.query("TRUNCATE reconciliation.discrepancies")
    log = [event for event in await load_log(app) if event.category == "reconciliation"]
    for messages in by_partition(log, 3).values():
        async with harness.pool.connection() as conn:
            await write_tables(conn, messages)
    assert await harness.query(query) == before
    seen = await harness.query("SELECT max(seen_at) AS at FROM reconciliation.discrepancies")
    for messages in by_partition(log, 3).values():
        async with harness.pool.connection() as conn:
            await write_tables(conn, messages)
    assert await harness.query("SELECT max(seen_at) AS at FROM reconciliation.discrepancies") == seen, "it was there"


async def test_more_doubts_than_may_be_looked_up_are_believed(harness: Harness) -> None:
    statement = Agreeing.of(1200)
    harness.statement.stripe = []
    await harness.ledger.write(statement.ledger)
    harness.rules = replace(harness.rules, lookups=10)
    state = await harness.run()
    assert state.completed is not None
    assert state.completed.found == {"missing_at_stripe": 1200}
    assert len(harness.statement.looked_up) == 10
    assert (await harness.events())["discrepancy.opened"] == 1200


async def test_a_run_waits_for_the_ledger_and_fails_with_a_reason(harness: Harness) -> None:
    await harness.ledger.write([])
    stream = uuid.uuid4()
    await harness.query(
        "INSERT INTO event_store.events (event_id, stream_id, version, category, type, schema_version,"
        f" data, metadata, recorded_at) VALUES (gen_random_uuid(), '{stream}', 1, 'payment', 't', 1, '{{}}', '{{}}',"
        " now())"
    )
    harness.rules = replace(harness.rules, ledger_wait_s=0.3)
    run_id = await harness.request()
    with pytest.raises(LedgerBehind, match="Is the projector running"):
        await harness.reconciler().run(RunId(run_id))
    from schemas.topics import partition_of  # noqa: PLC0415

    await harness.query(
        "INSERT INTO consumers.consumer_checkpoints (consumer, topic, partition, position) VALUES"
        f" ('projection:ledger', 'paystream.payment', {partition_of(stream, 12)}, 1000)"
    )
    state = await harness.reconciler().run(RunId(run_id))
    assert state is not None
    assert state.completed is not None


async def test_a_run_waits_for_stripes_rows_of_the_day(harness: Harness) -> None:
    await harness.ledger.write([])
    await harness.query("UPDATE consumers.balance_cursors SET completed_at = NULL")
    harness.rules = replace(harness.rules, ledger_wait_s=0.3)
    run_id = await harness.request()
    with pytest.raises(PollerBehind, match="Is the worker stripe-balance running"):
        await harness.reconciler().run(RunId(run_id))
    await harness.query(f"UPDATE consumers.balance_cursors SET completed_at = to_timestamp({WINDOW.last})")
    state = await harness.reconciler().run(RunId(run_id))
    assert state is not None
    assert state.completed is not None


async def test_rows_that_the_database_has_lost_are_noticed(harness: Harness) -> None:
    statement = Agreeing.of(10)
    await harness.ledger.write(statement.ledger)

    class Losing(MemoryStatement):
        async def rows(self, first: int, last: int):  # type: ignore[no-untyped-def]  # noqa: ANN202
            async for page in MemoryStatement.rows(self, first, last):
                yield page
            self.stripe = []

    losing = Losing(stripe=statement.stripe)
    run_id = await harness.request()
    await harness.query(
        "CREATE FUNCTION public.lose() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';"
        " CREATE TRIGGER lose BEFORE INSERT ON reconciliation.stripe_rows FOR EACH ROW"
        " EXECUTE FUNCTION public.lose()"
    )
    with pytest.raises(RowsLost, match="10 of Stripe's rows were written, and 0 are there"):
        await harness.reconciler(losing).run(RunId(run_id))
    assert (await harness.discrepancies()) == []


async def test_a_discrepancy_that_cannot_be_read_holds_up_no_run(harness: Harness) -> None:
    statement = Agreeing.of(2, currencies=("USD",))
    harness.statement.stripe = statement.stripe
    await harness.ledger.write([])
    await harness.run()
    (first, _) = await harness.query("SELECT discrepancy_id FROM reconciliation.discrepancies ORDER BY source_id")
    async with harness.pool.connection() as conn:
        await append_unknown_event(conn, first["discrepancy_id"])
    await harness.ledger.write(statement.ledger)
    harness.now += 86_400
    for day in (NEXT_DAY, WINDOW.date):
        assert (await harness.run(day)).completed is not None
    assert differences(await harness.discrepancies()) == [("missing_here", "ch_00000000")]


async def test_a_discrepancy_that_cannot_be_read_is_named_by_the_command(harness: Harness) -> None:
    await spoilt(harness)
    await harness.run()
    (row,) = await harness.query("SELECT discrepancy_id FROM reconciliation.discrepancies WHERE kind = 'amount'")
    async with harness.pool.connection() as conn:
        event_id = await append_unknown_event(conn, row["discrepancy_id"])
    settings = {"database_url": harness.database.url("app")}
    explain = ("discrepancies", "explain", str(row["discrepancy_id"]), "--reason", "a tip", "--actor", "ana")
    ended = await paystream(*explain, settings=settings)
    assert (ended.code, "Traceback" in ended.errors) == (1, False), ended.errors
    assert f"event {event_id}" in ended.errors
    assert "cannot be read: unknown event type 'reconciliation.from_the_future'" in ended.errors
