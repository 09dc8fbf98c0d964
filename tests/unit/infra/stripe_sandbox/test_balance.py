from typing import Any

import pytest

from infra.stripe_sandbox.client import SandboxAdmin
from tests.unit.infra.stripe_sandbox.stripe_http import Clock, StripeHttp

ROWS = "/v1/balance_transactions"
DAY = 24 * 3600


def figures(row: dict[str, Any]) -> tuple[str, str, int, int, int]:
    return (row["type"], row["reporting_category"], row["amount"], row["fee"], row["net"])


async def test_a_payment_comes_in_less_its_fee_and_is_available_in_two_days(
    stripe_http: StripeHttp, clock: Clock
) -> None:
    intent = await stripe_http.pay(description="socks")

    charge = await stripe_http.show(f"/v1/charges/{intent['latest_charge']}")
    row = await stripe_http.show(f"{ROWS}/{charge['balance_transaction']}")
    clock.now += 2 * DAY
    later = await stripe_http.show(f"{ROWS}/{charge['balance_transaction']}")

    assert figures(row) == ("charge", "charge", 1000, 59, 941)
    assert row["source"] == charge["id"]
    assert row["description"] == "socks"
    assert row["fee_details"] == [
        {
            "amount": 59,
            "application": None,
            "currency": "usd",
            "description": "Stripe processing fees",
            "type": "stripe_fee",
        }
    ]
    assert row["available_on"] % DAY == 0
    assert DAY < row["available_on"] - row["created"] <= 2 * DAY
    assert (row["status"], later["status"]) == ("pending", "available")


async def test_a_refund_takes_the_amount_and_not_the_fee(stripe_http: StripeHttp) -> None:
    refund = await stripe_http.refund(await stripe_http.pay(), amount=400)

    row = await stripe_http.show(f"{ROWS}/{refund['balance_transaction']}")

    assert figures(row) == ("refund", "refund", -400, 0, -400)
    assert row["fee_details"] == []
    assert row["source"] == refund["id"]


async def test_a_refund_that_fails_brings_the_amount_back(stripe_http: StripeHttp, clock: Clock) -> None:
    made = await stripe_http.refund(await stripe_http.pay(payment_method="pm_card_refundFail"))
    clock.now += 6

    failed = await stripe_http.show(f"/v1/refunds/{made['id']}")
    row = await stripe_http.show(f"{ROWS}/{failed['failure_balance_transaction']}")

    assert figures(row) == ("refund_failure", "refund_failure", 1000, 0, 1000)
    assert failed["balance_transaction"] == made["balance_transaction"]


async def test_a_partial_capture_is_one_row_of_what_was_captured(stripe_http: StripeHttp) -> None:
    intent = await stripe_http.pay(capture_method="manual")
    held = await stripe_http.show(f"/v1/charges/{intent['latest_charge']}")
    await stripe_http.post(f"/v1/payment_intents/{intent['id']}/capture", amount_to_capture=700)

    rows = await stripe_http.data(ROWS)

    assert held["balance_transaction"] is None
    assert [figures(row) for row in rows] == [("charge", "charge", 700, 50, 650)]


async def test_declines_and_released_holds_leave_no_row(stripe_http: StripeHttp) -> None:
    intent = await stripe_http.pay(capture_method="manual")
    await stripe_http.post(f"/v1/payment_intents/{intent['id']}/cancel")
    await stripe_http.post(
        "/v1/payment_intents", amount=1000, currency="usd", confirm=True, payment_method="pm_card_chargeDeclined"
    )

    assert await stripe_http.data(ROWS) == []


async def test_rows_are_found_by_what_caused_them_their_type_currency_and_time(
    stripe_http: StripeHttp, clock: Clock
) -> None:
    first = await stripe_http.pay()
    assert len(await stripe_http.data(ROWS)) == 1
    clock.now += 100
    await stripe_http.pay(currency="eur")
    refund = await stripe_http.refund(first, amount=100)

    async def found(**params: Any) -> list[int]:
        return [row["amount"] for row in await stripe_http.data(ROWS, **params)]

    assert await found() == [-100, 1000, 1000]
    assert await found(source=first["latest_charge"]) == [1000]
    assert await found(source=refund["id"], type="charge") == []
    assert await found(type="charge") == [1000, 1000]
    assert await found(currency="eur") == [1000]
    assert await found(created=int(clock.now)) == [-100, 1000]
    assert await found(created={"lt": int(clock.now)}) == [1000]
    unknown = await stripe_http.get(ROWS, payout="po_none")
    assert (unknown.status_code, unknown.json()["error"]["param"]) == (400, "payout")
    assert unknown.json()["error"]["message"] == "No such payout: 'po_none'"


@pytest.mark.parametrize("filters", [{}, {"type": "charge"}])
async def test_rows_come_in_pages_both_ways(stripe_http: StripeHttp, filters: dict[str, str]) -> None:
    for amount in (100, 200, 300, 400, 500):
        await stripe_http.pay(amount=amount)
    everything = [row["id"] for row in await stripe_http.data(ROWS)]

    first = await stripe_http.show(ROWS, limit=2, **filters)
    second = await stripe_http.show(ROWS, limit=2, starting_after=first["data"][-1]["id"], **filters)
    back = await stripe_http.show(ROWS, limit=2, ending_before=everything[3], **filters)

    assert [row["id"] for row in first["data"] + second["data"]] == everything[:4]
    assert (first["has_more"], first["url"]) == (True, ROWS)
    assert [row["id"] for row in back["data"]] == everything[1:3]


@pytest.mark.parametrize(
    ("path", "params", "status", "message"),
    [
        (f"{ROWS}/txn_none", {}, 404, "No such balance transaction: 'txn_none'"),
        (ROWS, {"starting_after": "txn_none"}, 400, "No such balance_transaction: 'txn_none'"),
        (ROWS, {"limit": 101}, 400, "This value must be less than or equal to 100."),
        (ROWS, {"colour": "red"}, 400, "Received unknown parameter: colour"),
        (ROWS, {"created": "x"}, 400, "Invalid integer: x"),
    ],
)
async def test_what_is_not_there_or_not_known_is_refused(
    stripe_http: StripeHttp, path: str, params: dict[str, Any], status: int, message: str
) -> None:
    refused = await stripe_http.get(path, **params)

    assert refused.status_code == status
    assert refused.json()["error"]["message"] == message


async def test_another_accounts_rows_are_not_seen(stripe_http: StripeHttp) -> None:
    intent = await stripe_http.pay()
    charge = await stripe_http.show(f"/v1/charges/{intent['latest_charge']}")

    listed = await stripe_http.get(ROWS, secret_key="sk_test_other")
    one = await stripe_http.get(f"{ROWS}/{charge['balance_transaction']}", secret_key="sk_test_other")

    assert listed.json()["data"] == []
    assert one.status_code == 404


async def test_the_balance_is_the_sum_of_its_rows(stripe_http: StripeHttp, clock: Clock) -> None:
    intent = await stripe_http.pay()
    await stripe_http.pay(currency="eur", payment_method="pm_card_bypassPending")
    await stripe_http.refund(intent, amount=300)

    balance = await stripe_http.show("/v1/balance")
    clock.now += 2 * DAY
    later = await stripe_http.show("/v1/balance")

    def amounts(part: list[dict[str, Any]]) -> dict[str, int]:
        return {entry["currency"]: entry["amount"] for entry in part}

    assert amounts(balance["pending"]) == {"usd": 641, "eur": 0}
    assert amounts(balance["available"]) == {"usd": 0, "eur": 941}
    assert amounts(later["available"]) == {"usd": 641, "eur": 941}
    assert sum(row["net"] for row in await stripe_http.data(ROWS)) == 641 + 941


async def test_rows_and_what_caused_them_are_shown_in_one_another(stripe_http: StripeHttp) -> None:
    intent = await stripe_http.pay()
    refund = await stripe_http.refund(intent, expand=["balance_transaction", "charge.balance_transaction"])

    shown = await stripe_http.show(f"/v1/payment_intents/{intent['id']}", expand=["latest_charge.balance_transaction"])
    rows = await stripe_http.data(ROWS, expand=["data.source"])

    assert shown["latest_charge"]["balance_transaction"]["net"] == 941
    assert refund["balance_transaction"]["net"] == -1000
    assert refund["charge"]["balance_transaction"]["net"] == 941
    assert [row["source"]["object"] for row in rows] == ["refund", "charge"]


async def test_a_row_can_be_missing_falsified_or_too_many(stripe_http: StripeHttp, admin: SandboxAdmin) -> None:
    await stripe_http.pay()
    (row,) = await admin.balance_transactions()

    await admin.falsify_row(str(row["id"]), shown=False)
    gone = await stripe_http.get(f"{ROWS}/{row['id']}")
    missing = await stripe_http.data(ROWS)
    await admin.falsify_row(str(row["id"]), shown=True, fee=99)
    (wrong,) = await stripe_http.data(ROWS)
    await admin.add_row(account=row["account"], source="ch_nobody", amount=5)

    assert (gone.status_code, missing) == (404, [])
    assert (wrong["fee"], wrong["net"]) == (99, 901)
    extra, _ = await stripe_http.data(ROWS)
    assert (extra["source"], extra["amount"]) == ("ch_nobody", 5)


async def test_the_filter_by_source_finds_no_row_of_a_dispute(stripe_http: StripeHttp, admin: SandboxAdmin) -> None:
    intent = await stripe_http.pay()
    dispute = await admin.dispute(intent["latest_charge"], "product_not_received")
    shown = await stripe_http.show(f"/v1/disputes/{dispute['id']}")

    assert await stripe_http.data(ROWS, source=dispute["id"]) == []
    (row,) = await stripe_http.data(ROWS, type="adjustment")
    assert (row["source"], [each["id"] for each in shown["balance_transactions"]]) == (dispute["id"], [row["id"]])
