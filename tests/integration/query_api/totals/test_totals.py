"""Totals by day over HTTP on a real read model: they are those of the rows, in every zone."""

import random
import uuid
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
import pytest_asyncio

from domain.ids import PaymentId, RefundId
from domain.money import Money
from domain.payment.evolve import fold
from event_store.store import Connection as AppConnection
from infra.postgres.pool import Pool
from schemas.http.totals import LedgerTotals, PaymentTotals
from tests.integration.query_api.conftest import Project, Record
from tests.support.balance_events import rows_of
from tests.support.payment_histories import events_of, paid, random_history, refunded, request_payment
from tests.support.query_client import FINANCE_KEY, OTHER_KEY, client_of
from tests.support.read_model import MERCHANT, store, store_balance

pytestmark = pytest.mark.integration

ZONES = ("UTC", "Europe/Berlin", "Asia/Kathmandu", "America/St_Johns")
FIRST = datetime(2026, 3, 28, tzinfo=UTC)  # the clocks change on the next day in Berlin
TWO_MIDNIGHTS = {  # a moment between them, on the day on which the clocks go back from 1 to 0
    "Atlantic/Azores": datetime(2026, 10, 25, 0, 20, tzinfo=UTC),
    "America/Havana": datetime(2026, 11, 1, 4, 20, tzinfo=UTC),
}
RANGE = {"date_from": "2026-03-20", "date_to": "2026-04-10"}


@pytest_asyncio.fixture
async def finance(read_pool: Pool) -> Any:
    async with client_of(read_pool, key=FINANCE_KEY) as client:
        yield client


def made_at(moment: datetime, rng: random.Random) -> PaymentId:
    """Return a payment id that was drawn at a moment."""
    milliseconds = int(moment.timestamp() * 1000)
    return PaymentId(uuid.UUID(int=milliseconds << 80 | 7 << 76 | 2 << 62 | rng.getrandbits(62)))


async def some_payments(app: AppConnection, count: int) -> None:
    rng = random.Random(4)
    for _ in range(count):
        payment_id = made_at(FIRST + timedelta(minutes=rng.randrange(5 * 24 * 60)), rng)
        await store(
            app,
            [(payment_id, random_history(rng, payment_id=payment_id, steps=rng.randint(0, 12)))],
            merchant_id=MERCHANT,
        )


@pytest.mark.parametrize("zone", ZONES)
async def test_payments_are_counted_as_their_list_shows_them(
    client: httpx.AsyncClient, app: AppConnection, project: Project, zone: str
) -> None:
    await some_payments(app, 60)
    await project()
    listed = (await client.get("/payments", params={"limit": 100})).json()["data"]
    assert len(listed) == 60
    expected, amounts = Counter[Any](), Counter[Any]()
    for each in listed:
        error = each["last_error"]
        day = datetime.fromisoformat(each["created_at"]).astimezone(ZoneInfo(zone)).date().isoformat()
        key = (day, each["currency"], each["status"], error and (error["decline_code"] or error["code"]))
        expected[key] += 1
        amounts[key] += each["amount_cents"]

    answer = await client.get("/payment-totals", params={**RANGE, "time_zone": zone})

    assert answer.status_code == 200
    assert PaymentTotals.model_validate_json(answer.content)
    rows = answer.json()["data"]
    found = {(each["date"], each["currency"], each["status"], each["refusal_code"]): each for each in rows}
    assert {key: each["payments"] for key, each in found.items()} == expected
    assert {key: each["amount_cents"] for key, each in found.items()} == amounts


async def test_each_total_leads_to_its_payments(
    client: httpx.AsyncClient, app: AppConnection, project: Project
) -> None:
    await some_payments(app, 40)
    await project()
    for each in (await client.get("/payment-totals", params=RANGE)).json()["data"]:
        day = datetime.fromisoformat(each["date"]).replace(tzinfo=UTC)
        filters = {
            "status": each["status"],
            "currency": each["currency"],
            "created_after": (day - timedelta(microseconds=1)).isoformat(),
            "created_before": (day + timedelta(days=1)).isoformat(),
        }
        if each["refusal_code"]:
            filters["refusal_code"] = each["refusal_code"]
            count = (await client.get("/payment-count", params=filters)).json()
            assert count == {"count": each["payments"], "has_more": False}
        assert len((await client.get("/payments", params=filters)).json()["data"]) >= each["payments"]


@pytest.mark.parametrize("zone", ZONES)
async def test_the_ledgers_totals_are_those_of_its_lines(
    finance: httpx.AsyncClient, app: AppConnection, project: Project, read_pool: Pool, zone: str
) -> None:
    rng = random.Random(7)
    for _ in range(12):
        payment_id = PaymentId(uuid.UUID(int=rng.getrandbits(128), version=4))
        life = random_history(rng, payment_id=payment_id, steps=rng.randint(0, 12))
        await store(app, [(payment_id, life)])
        payment = fold(life)
        assert payment is not None
        await store_balance(app, *rows_of(payment))
    await project()
    async with read_pool.connection() as conn:
        cursor = await conn.execute("SELECT at, account, currency, amount FROM read_model.ledger_lines")
        lines = await cursor.fetchall()
    sides = {"customer_receivable": ("gross", -1), "refunds": ("refunds", 1), "disputes": ("disputes", 1)}
    sides["stripe_fees"] = ("fees", 1)
    expected: dict[tuple[str, str], Counter[str]] = {}
    for at, account, currency, amount in lines:
        if account in sides:
            name, sign = sides[account]
            day = at.astimezone(ZoneInfo(zone)).date().isoformat()
            expected.setdefault((day, currency), Counter())[name] += sign * amount
    days = sorted(day for day, _ in expected)
    within = [{"date_from": day, "date_to": day, "time_zone": zone} for day in dict.fromkeys(days)]

    found: dict[tuple[str, str], dict[str, Any]] = {}
    for parameters in within:
        answer = await finance.get("/ledger/totals", params=parameters)
        assert LedgerTotals.model_validate_json(answer.content)
        found |= {(each["date"], each["currency"]): each for each in answer.json()["data"]}

    assert found.keys() == expected.keys()
    for key, sums in expected.items():
        names = ("gross", "refunds", "disputes", "fees")
        assert {name: found[key][name] for name in names} == {name: sums[name] for name in names}
        assert found[key]["net"] == sums["gross"] - sums["refunds"] - sums["disputes"] - sums["fees"]


@pytest.mark.parametrize("zone", TWO_MIDNIGHTS)
async def test_a_day_begins_with_the_first_of_two_midnights(
    client: httpx.AsyncClient, finance: httpx.AsyncClient, app: AppConnection, project: Project, zone: str
) -> None:
    moment = TWO_MIDNIGHTS[zone]
    day = moment.astimezone(ZoneInfo(zone)).date().isoformat()
    payment_id = made_at(moment, random.Random(1))
    life = paid(request_payment(payment_id))
    await store(app, [(payment_id, events_of(life))], merchant_id=MERCHANT)
    payment = fold(events_of(life))
    assert payment is not None
    await store_balance(app, *(replace(each, created=int(moment.timestamp())) for each in rows_of(payment)))
    await project()
    before = (datetime.fromisoformat(day) - timedelta(days=1)).date().isoformat()
    for path, reader in (("/payment-totals", client), ("/ledger/totals", finance)):
        found = [
            [each["date"] for each in (await reader.get(path, params=within)).json()["data"]]
            for within in (
                {"date_from": day, "date_to": day, "time_zone": zone},
                {"date_from": before, "date_to": before, "time_zone": zone},
            )
        ]
        assert found == [[day], []], path


async def test_totals_are_a_merchants_own_and_narrowed_by_currency(
    client: httpx.AsyncClient, record: Record, project: Project, read_pool: Pool
) -> None:
    made = made_at(FIRST, random.Random(1))
    await record(paid(request_payment(made, amount=Money(amount_cents=500, currency="JPY"))))
    await project()
    found = (await client.get("/payment-totals", params={**RANGE, "currency": "jpy"})).json()["data"]
    assert [(each["status"], each["payments"], each["amount_cents"]) for each in found] == [("succeeded", 1, 500)]
    assert (await client.get("/payment-totals", params={**RANGE, "currency": "usd"})).json()["data"] == []
    async with client_of(read_pool, key=OTHER_KEY) as other:
        assert (await other.get("/payment-totals", params=RANGE)).json()["data"] == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"date_from": "2026-04-11"},
        {"date_to": "2027-04-11"},
        {"time_zone": "Mars/Olympus"},
        {"time_zone": "../etc/passwd"},
        {"currency": "dollars"},
        {"day": "2026-01-01"},
        {"date_from": "yesterday"},
    ],
)
async def test_days_that_are_none_are_refused(client: httpx.AsyncClient, wrong: dict[str, str]) -> None:
    answer = await client.get("/payment-totals", params={**RANGE, **wrong})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")


async def test_a_customers_totals_are_those_of_their_payments(
    client: httpx.AsyncClient, record: Record, project: Project
) -> None:
    for currency in ("USD", "USD", "JPY"):
        await record(paid(request_payment(amount=Money(amount_cents=1000, currency=currency), user_id="anna/1")))
    refund = refunded(RefundId(uuid.uuid4()), Money(amount_cents=300, currency="USD"))
    await record([*paid(request_payment(user_id="anna/1")), *refund])
    await record(paid(request_payment(user_id="bert")))
    await project()
    body = (await client.get("/customer-totals", params={"user_id": "anna/1"})).json()
    by_currency = {each["currency"]: each for each in body["data"]}
    assert by_currency["JPY"]["amount_captured_cents"] == 1000
    assert (by_currency["USD"]["payments"], by_currency["USD"]["succeeded"]) == (3, 3)
    assert by_currency["USD"]["amount_refunded_cents"] == 300
    nobody = (await client.get("/customer-totals", params={"user_id": "nobody"})).json()
    assert nobody == {"user_id": "nobody", "data": []}


async def test_a_count_ends_where_it_is_told_to(
    client: httpx.AsyncClient, app: AppConnection, project: Project
) -> None:
    for _ in range(3):
        payment_id = PaymentId(uuid.uuid4())
        await store(app, [(payment_id, events_of(paid(request_payment(payment_id))))])
    await project()
    counted = [(await client.get("/payment-count", params={"at_most": most})).json() for most in (2, 3, 100)]
    assert counted == [{"count": 2, "has_more": True}, *[{"count": 3, "has_more": False}] * 2]
