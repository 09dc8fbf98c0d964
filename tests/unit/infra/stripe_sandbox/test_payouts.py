from dataclasses import asdict
from pathlib import Path
from typing import Any

import httpx
import pytest

from infra.stripe_sandbox.app import build_sandbox
from infra.stripe_sandbox.behaviour import Behaviour
from infra.stripe_sandbox.client import SandboxAdmin
from infra.stripe_sandbox.store import Store
from tests.unit.infra.stripe_sandbox.stripe_http import Clock, StripeHttp

DAY = 24 * 3600
AT_ONCE = {"payment_method": "pm_card_bypassPending"}


async def available(api: StripeHttp) -> int:
    balance = await api.show("/v1/balance")
    return int(next(entry["amount"] for entry in balance["available"] if entry["currency"] == "usd"))


async def test_the_daily_payout_pays_out_what_is_available(
    stripe_http: StripeHttp, admin: SandboxAdmin, clock: Clock
) -> None:
    paid = await stripe_http.pay()
    await stripe_http.refund(paid, amount=100)
    clock.now += 2 * DAY
    await stripe_http.pay(amount=5000)  # still pending

    (made,) = await admin.pay_out()
    nothing = await admin.pay_out()
    rows = await stripe_http.data("/v1/balance_transactions", payout=made["id"])

    assert (made["amount"], made["automatic"], made["status"]) == (841, True, "in_transit")
    assert made["reconciliation_status"] == "in_progress"
    assert nothing == []
    assert [(row["type"], row["net"]) for row in rows] == [("payout", -841), ("refund", -100), ("charge", 941)]
    assert sum(row["net"] for row in rows) == 0
    assert await available(stripe_http) == 0


async def test_payouts_begin_by_themselves_each_midnight_if_switched_on(
    stripe_http: StripeHttp, admin: SandboxAdmin, clock: Clock
) -> None:
    await stripe_http.pay(**AT_ONCE)
    clock.now = midnight = (clock.now // DAY + 1) * DAY
    assert await admin.payouts() == []

    assert (await admin.behave(automatic_payouts=True))["automatic_payouts"] is True
    clock.now += DAY - 1
    assert await admin.payouts() == []
    clock.now += 1
    (first,) = await admin.payouts()
    await stripe_http.pay(**AT_ONCE)
    clock.now += DAY
    _, second = await admin.payouts()
    clock.now += DAY
    nothing_to_pay_out = await admin.payouts()

    assert (first["created"], first["amount"], first["automatic"]) == (midnight + DAY, 941, True)
    assert (second["created"], second["amount"], second["status"]) == (midnight + 2 * DAY, 941, "in_transit")
    assert [payout["status"] for payout in nothing_to_pay_out] == ["paid", "paid"]


async def test_a_clock_that_jumps_over_days_pays_out_once_and_goes_on(
    stripe_http: StripeHttp, admin: SandboxAdmin
) -> None:
    await admin.behave(automatic_payouts=True)
    await stripe_http.pay(**AT_ONCE)
    await stripe_http.pay()
    await admin.advance(5 * DAY)
    (payout,) = await admin.payouts()
    await stripe_http.pay(**AT_ONCE)
    await admin.advance(DAY)

    assert payout["amount"] == 2 * 941
    assert len(await admin.payouts()) == 2


async def test_automatic_payouts_are_a_setting_and_made_up_for_after_a_stop(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "sandbox.db"

    async def payouts_run(*, on: bool, pays: bool = False) -> int:
        store = Store(path)
        sandbox = build_sandbox(store, clock=clock, behaviour=Behaviour(automatic_payouts=on))
        if pays:
            await StripeHttp(sandbox).pay(**AT_ONCE)
        made = await StripeHttp(sandbox).data("/v1/payouts")
        store.close()
        return len(made)

    assert await payouts_run(on=True, pays=True) == 0
    clock.now += DAY
    assert await payouts_run(on=True, pays=True) == 1
    assert await payouts_run(on=False) == 1
    clock.now += DAY
    assert await payouts_run(on=False) == 1


async def test_a_reset_switches_them_off(stripe_http: StripeHttp, admin: SandboxAdmin, clock: Clock) -> None:
    await admin.behave(automatic_payouts=True, search_lag_s=60)
    await admin.reset()
    await stripe_http.pay(**AT_ONCE)
    clock.now += 2 * DAY

    assert await admin.behave() == asdict(Behaviour())
    assert await admin.payouts() == []


async def test_it_arrives_at_midnight_and_can_be_reconciled(
    stripe_http: StripeHttp, admin: SandboxAdmin, clock: Clock
) -> None:
    await stripe_http.pay(**AT_ONCE)
    (made,) = await admin.pay_out()
    before = len(await stripe_http.told())
    clock.now = float(str(made["arrival_date"]))

    arrived = await stripe_http.show(f"/v1/payouts/{made['id']}")

    assert (arrived["status"], arrived["reconciliation_status"]) == ("paid", "completed")
    assert arrived["trace_id"]["status"] == "supported"
    assert await stripe_http.told(before) == ["payout.paid", "payout.reconciliation_completed"]


async def test_one_that_fails_is_in_the_balance_and_in_the_next_one_again(
    stripe_http: StripeHttp, admin: SandboxAdmin, clock: Clock
) -> None:
    await stripe_http.pay(**AT_ONCE)
    (made,) = await admin.pay_out(fails=True)
    clock.now = float(str(made["arrival_date"]))

    failed = await stripe_http.show(f"/v1/payouts/{made['id']}", expand=["failure_balance_transaction"])
    (again,) = await admin.pay_out()

    assert (failed["status"], failed["failure_code"]) == ("failed", "account_closed")
    row = failed["failure_balance_transaction"]
    assert (row["type"], row["reporting_category"], row["net"]) == ("payout_failure", "payout_reversal", 941)
    assert again["amount"] == 941
    assert "payout.failed" in await stripe_http.told()


async def test_one_that_was_paid_can_still_fail(stripe_http: StripeHttp, admin: SandboxAdmin) -> None:
    await stripe_http.pay(**AT_ONCE)
    (made,) = await admin.pay_out()
    payout = str(made["id"])

    paid = await admin.settle_payout(payout)
    failed = await admin.settle_payout(payout, "failed")
    with pytest.raises(httpx.HTTPStatusError) as twice:
        await admin.settle_payout(payout, "failed")

    assert (paid["status"], failed["status"]) == ("paid", "failed")
    assert twice.value.response.status_code == 409


async def test_a_payout_by_hand_takes_from_what_is_available_and_can_be_canceled(
    stripe_http: StripeHttp, admin: SandboxAdmin
) -> None:
    await stripe_http.pay(**AT_ONCE)

    made = (await stripe_http.post("/v1/payouts", amount=500, currency="usd", metadata={"a": "1"})).json()
    left = await available(stripe_http)
    canceled = (await stripe_http.post(f"/v1/payouts/{made['id']}/cancel")).json()
    twice = await stripe_http.post(f"/v1/payouts/{made['id']}/cancel")
    (daily,) = await admin.pay_out()

    assert (made["status"], made["automatic"], made["reconciliation_status"]) == ("pending", False, "not_applicable")
    assert (left, canceled["status"], twice.status_code) == (441, "canceled", 400)
    assert daily["amount"] == 941


async def test_what_is_not_available_is_not_paid_out(stripe_http: StripeHttp) -> None:
    await stripe_http.pay()

    refused = await stripe_http.post("/v1/payouts", amount=1, currency="usd")

    assert refused.status_code == 400
    assert refused.json()["error"]["code"] == "balance_insufficient"


@pytest.mark.parametrize(("status", "count"), [("in_transit", 1), ("paid", 0)])
async def test_payouts_are_listed_by_status(
    stripe_http: StripeHttp, admin: SandboxAdmin, status: str, count: int
) -> None:
    await stripe_http.pay(**AT_ONCE)
    await admin.pay_out()

    found: list[dict[str, Any]] = await stripe_http.data("/v1/payouts", status=status)

    assert len(found) == count


async def test_only_the_metadata_of_a_payout_changes(stripe_http: StripeHttp, admin: SandboxAdmin) -> None:
    await stripe_http.pay(**AT_ONCE)
    (made,) = await admin.pay_out()

    changed = await stripe_http.post(f"/v1/payouts/{made['id']}", metadata={"batch": "7"})
    (event, *_) = await stripe_http.data("/v1/events")

    assert changed.json()["metadata"] == {"batch": "7"}
    assert event["type"] == "payout.updated"
    assert event["data"]["previous_attributes"] == {"metadata": {"batch": None}}
