"""The poller against the sandbox: every row of the balance and every status of a payout, once."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any
from unittest import mock

import pytest
import stripe
from structlog.testing import capture_logs

from consumers.balance.poller import poll_payouts
from consumers.stripe.client import JsonObject
from consumers.stripe.lists import left_out
from consumers.stripe.lists.lists import Lists, StripeList, StripeLists
from consumers.stripe.lists.poll import Reach
from infra.postgres.pool import Pool
from infra.stripe_sandbox.client import SandboxAdmin
from tests.integration.consumers.balance.polled_sandbox import (
    REACH,
    WATCH_DAYS,
    Log,
    Watched,
    charge,
    payouts,
    poll_both,
    rows_at_stripe,
    transactions,
)
from tests.integration.consumers.one_page import OnePage

pytestmark = [pytest.mark.integration, pytest.mark.slow]

DAY = 24 * 3600
_BEGAN = "SELECT listing_began_at FROM consumers.balance_cursors WHERE list = 'balance_transactions'"
_COMPLETED = "SELECT completed_at FROM consumers.balance_cursors WHERE list = 'balance_transactions'"


async def test_every_row_is_recorded_once_as_stripe_has_it(
    client: stripe.StripeClient, lists: StripeLists, admin: SandboxAdmin, pool: Pool, log_of: Log
) -> None:
    for amount, currency in ((1000, "usd"), (5000, "jpy"), (12340, "kwd"), (700, "usd")):
        await charge(client, amount=amount, currency=currency)
    refunded = await charge(client)
    await client.v1.refunds.create_async({"charge": refunded, "amount": 400}, {"idempotency_key": "refund"})
    await admin.dispute(await charge(client))
    assert await poll_both(pool, lists) == [True, True]

    expected = await rows_at_stripe(admin)
    recorded = await log_of.transactions()
    assert len(expected) == 8
    assert {each["transaction_id"] for each in recorded} == {row["id"] for row in expected}
    by_id = {each["transaction_id"]: each for each in recorded}
    for row in expected:
        event = by_id[row["id"]]
        for name in ("amount", "fee", "net", "type", "reporting_category", "created", "available_on", "description"):
            assert event[name] == row[name]
        assert (event["currency"], event["source_id"]) == (row["currency"].upper(), row["source"])
    assert await poll_both(pool, lists) == [True, True]
    assert len(await log_of.transactions()) == 8


async def test_a_poll_that_was_cut_short_between_pages_goes_on_where_it_was(
    client: stripe.StripeClient, lists: StripeLists, admin: SandboxAdmin, pool: Pool, log_of: Log
) -> None:
    for _ in range(10):
        await charge(client)
    cut_short = Watched(lists, fail_at=3)
    with pytest.raises(stripe.APIConnectionError):
        await transactions(pool, cut_short)
    assert len(await log_of.transactions()) == 6
    began = await log_of.value(_BEGAN)
    await charge(client)  # newer than the listing, which is older than it

    goes_on = Watched(lists)
    assert await transactions(pool, goes_on)
    assert goes_on.requests[0] == cut_short.requests[2], "the page that failed, not the first"
    assert len(goes_on.requests) == 2
    assert len(await log_of.transactions()) == 10
    assert began is not None
    assert await log_of.value(_COMPLETED) == began, "of what was made since, it says nothing"
    assert await transactions(pool, lists)
    assert sorted(each["transaction_id"] for each in await log_of.transactions()) == sorted(
        row["id"] for row in await rows_at_stripe(admin)
    )
    assert await log_of.value(_COMPLETED) > began


async def test_a_row_that_stripe_shows_late_is_found_within_the_overlap(
    client: stripe.StripeClient, lists: StripeLists, admin: SandboxAdmin, pool: Pool, log_of: Log
) -> None:
    await charge(client)
    await admin.add_fault("hide_row", times=1)
    await charge(client)
    await admin.advance(600)
    await charge(client)
    assert await poll_both(pool, lists) == [True, True]
    assert len(await log_of.transactions()) == 2

    (hidden,) = [row for row in await rows_at_stripe(admin, hidden=True) if not row["shown"]]
    await admin.falsify_row(hidden["id"], shown=True)
    assert await poll_both(pool, lists, Reach(overlap_s=60, page_size=3)) == [True, True]
    assert len(await log_of.transactions()) == 2, "an overlap that is too short does not reach it"
    assert await poll_both(pool, lists) == [True, True]
    assert [each["transaction_id"] for each in await log_of.transactions()][-1] == hidden["id"]


async def test_later_polls_read_the_overlap_and_what_is_new_alone(
    client: stripe.StripeClient, lists: StripeLists, admin: SandboxAdmin, pool: Pool
) -> None:
    for _ in range(7):
        await charge(client)
    await transactions(pool, lists)
    await admin.advance(3600)
    await charge(client)
    newest = max(row["created"] for row in await rows_at_stripe(admin))
    await transactions(pool, lists)
    watched = Watched(lists)
    await transactions(pool, watched)
    assert watched.requests == [(StripeList.TRANSACTIONS, newest - REACH.overlap_s, None)]


async def test_a_quick_poll_reads_what_is_new_and_costs_one_call_when_nothing_is(
    client: stripe.StripeClient, lists: StripeLists, admin: SandboxAdmin, pool: Pool, log_of: Log
) -> None:
    for _ in range(10):
        await charge(client)
    assert await transactions(pool, lists)
    completed = await log_of.value(_COMPLETED)
    for expected in (1, 2, 1):  # calls: nothing is new, a page is, nothing is
        if expected == 2:
            for _ in range(REACH.page_size):
                await charge(client)
        watched = Watched(lists)
        assert await transactions(pool, watched, whole=False)
        assert len(watched.requests) == expected
    assert len(await log_of.transactions()) == len(await rows_at_stripe(admin)) == 13
    assert await log_of.place() is None
    assert await log_of.value(_COMPLETED) > completed


async def test_a_row_shown_late_is_found_by_the_next_whole_listing(
    client: stripe.StripeClient, lists: StripeLists, admin: SandboxAdmin, pool: Pool, log_of: Log
) -> None:
    for _ in range(4):
        await charge(client)
    await transactions(pool, lists)
    await admin.add_fault("hide_row", times=1)
    for _ in range(2 * REACH.page_size):
        await charge(client)
    await transactions(pool, lists, whole=False)
    (hidden,) = [row for row in await rows_at_stripe(admin, hidden=True) if not row["shown"]]
    await admin.falsify_row(hidden["id"], shown=True)
    for _ in range(2):  # the newest row is far beyond the overlap then
        await admin.advance(REACH.overlap_s)
        await charge(client)
        assert await transactions(pool, lists, whole=False)
    assert hidden["id"] not in {each["transaction_id"] for each in await log_of.transactions()}
    assert await transactions(pool, lists)
    assert [each["transaction_id"] for each in await log_of.transactions()][-1] == hidden["id"]


async def test_pollers_at_the_same_instant_read_all_and_record_each_row_once(
    client: stripe.StripeClient, lists: StripeLists, admin: SandboxAdmin, pool: Pool, log_of: Log
) -> None:
    for _ in range(12):
        await charge(client)
    await admin.pay_out()
    for _ in range(20):
        quick = asyncio.gather(*(transactions(pool, lists, whole=False) for _ in range(2)))
        ended = await asyncio.gather(*(poll_both(pool, lists) for _ in range(4)))
        await quick
        if any(all(each) for each in ended):
            break
    recorded = [each["transaction_id"] for each in await log_of.transactions()]
    assert sorted(recorded) == sorted(row["id"] for row in await rows_at_stripe(admin))
    assert len(await log_of.statuses()) == 1


async def test_a_listing_whose_place_stripe_forgot_begins_again(
    client: stripe.StripeClient, lists: StripeLists, admin: SandboxAdmin, pool: Pool, log_of: Log
) -> None:
    for _ in range(7):
        await charge(client)
    with pytest.raises(stripe.APIConnectionError):
        await transactions(pool, Watched(lists, fail_at=2))
    place = await log_of.place()
    await admin.falsify_row(place, shown=False)
    assert await transactions(pool, lists)
    assert len(await log_of.transactions()) == 7


async def test_a_payout_that_is_asked_for_again_does_not_go_back(
    client: stripe.StripeClient, lists: StripeLists, admin: SandboxAdmin, pool: Pool, log_of: Log
) -> None:
    """Another poller lists it between the answer and its record: the ledger would have the money at the bank again."""
    await charge(client)
    (payout,) = await admin.pay_out()
    payout_id = str(payout["id"])
    await admin.settle_payout(payout_id)
    await poll_both(pool, lists)
    async with pool.connection() as conn:
        await left_out.remember(conn, StripeList.PAYOUTS, [payout_id])

    class Outrun(Watched):
        async def row(self, list_: StripeList, stripe_id: str) -> JsonObject | None:
            paid = await super().row(list_, stripe_id)
            await admin.settle_payout(payout_id, "failed")
            pages = iter([True])
            go_on = partial(next, pages, False)
            await poll_payouts(pool, lists, REACH, watch_days=WATCH_DAYS, go_on=go_on)
            return paid

    with mock.patch.object(left_out, "_PAUSE_S", 0.0):
        await payouts(pool, Outrun(lists))
    await poll_both(pool, lists)
    assert await log_of.statuses() == [(payout_id, "paid"), (payout_id, "failed")]


async def test_a_payout_is_recorded_with_every_status_that_is_seen(
    client: stripe.StripeClient, lists: StripeLists, admin: SandboxAdmin, pool: Pool, log_of: Log
) -> None:
    await charge(client)
    (payout,) = await admin.pay_out()
    payout_id = str(payout["id"])
    await poll_both(pool, lists)
    await poll_both(pool, lists)
    assert await log_of.statuses() == [(payout_id, "in_transit")]
    await admin.settle_payout(payout_id)
    await poll_both(pool, lists)
    assert await log_of.statuses() == [(payout_id, "in_transit"), (payout_id, "paid")]
    await admin.settle_payout(payout_id, "failed")
    await poll_both(pool, lists)
    await poll_both(pool, lists)
    assert await log_of.statuses() == [(payout_id, "in_transit"), (payout_id, "paid"), (payout_id, "failed")]
    (failed,) = [each for each in await log_of.events_of("payout_changed") if each["status"] == "failed"]
    assert (failed["failure_code"], failed["amount"]) == ("account_closed", payout["amount"])
    categories = [each["reporting_category"] for each in await log_of.transactions()]
    assert categories == ["charge", "payout", "payout_reversal"]


async def test_an_old_payout_is_watched_for_as_long_as_its_status_may_change(
    client: stripe.StripeClient, lists: StripeLists, admin: SandboxAdmin, pool: Pool, log_of: Log
) -> None:
    await charge(client)
    (old,) = await admin.pay_out()
    await poll_both(pool, lists)
    await admin.advance(20 * DAY)  # it arrives
    await charge(client)
    (new,) = await admin.pay_out()
    await poll_both(pool, lists)
    assert await log_of.statuses() == [(old["id"], "in_transit"), (old["id"], "paid"), (new["id"], "in_transit")]
    await admin.settle_payout(str(old["id"]), "failed")
    await poll_both(pool, lists)
    assert (await log_of.statuses())[-1] == (old["id"], "failed")
    assert await log_of.value("SELECT array_agg(payout_id) FROM consumers.watched_payouts") == [new["id"]]

    await log_of.value("UPDATE consumers.watched_payouts SET watch_until = now() - interval '1 s' RETURNING 1")
    await payouts(pool, lists)
    watched = Watched(lists)
    await payouts(pool, watched)
    newest = int(str(new["created"]))
    assert watched.requests[0][1] == newest - REACH.overlap_s, "the overlap still sees it, and watches it again"


_GOOD: dict[str, Any] = {
    "amount": 941,
    "created": 1_700_000_000,
    "currency": "usd",
    "fee": 0,
    "net": 941,
    "available_on": 1_700_000_000,
    "type": "charge",
    "reporting_category": "charge",
    "status": "paid",
    "automatic": True,
    "arrival_date": 1_700_000_000,
    "description": "Paid",
    "source": "ch_1",
    "exchange_rate": None,
    "failure_code": None,
}
_NO_ROWS: tuple[Any, ...] = (
    None,
    7,
    "row",
    [],
    {},
    *({**_GOOD, "id": bad} for bad in (None, 7, "", "\0", {"id": "x"})),
)
_STRANGE: tuple[Any, ...] = (None, "much", 1.5, -1, 2**70, True, [], {}, "\0", "\ud800")
"""What stands in a field, one after the other."""


@pytest.mark.parametrize("poll", [transactions, payouts])
async def test_what_is_no_row_holds_up_no_other(
    poll: Callable[[Pool, Lists], Awaitable[bool]], pool: Pool, log_of: Log
) -> None:
    strange = [
        {**_GOOD, "id": f"bad_{field}_{number}", field: value}
        for field in _GOOD
        for number, value in enumerate(_STRANGE)
    ]
    lists = OnePage(({**_GOOD, "id": "last"}, *_NO_ROWS, *strange, {**_GOOD, "id": "first"}, *_NO_ROWS))
    with capture_logs() as logs:
        assert await poll(pool, lists)
        assert await poll(pool, lists)
    said = [each["stripe_id"] for each in logs if each["event"] == "stripe_list_row_left_out"]
    assert said.count(None) == 4 * len(_NO_ROWS)
    left_out = {each for each in said if each is not None}
    found = await log_of.transactions() if poll is transactions else await log_of.events_of("payout_changed")
    recorded = {each.get("transaction_id") or each["payout_id"] for each in found}
    assert {"first", "last"} <= recorded
    assert recorded.isdisjoint(left_out)
    assert len(recorded | left_out) == len(strange) + 2, "each is recorded or said"
    for each in found:
        assert {type(each[name]) for name in ("amount", "created")} == {int}
