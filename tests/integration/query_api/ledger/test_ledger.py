"""The ledger over HTTP on a real read model: balances as of any time, the trial balance, entries in pages."""

import random
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio

from domain.ids import RefundId
from domain.money import Money
from event_store.store import Connection as AppConnection
from infra.postgres.pool import Pool
from schemas.http.ledger import LedgerBalances, LedgerEntryPage, TrialBalance
from tests.integration.query_api.conftest import Project, Record
from tests.support.balance_events import CREATED, a_row
from tests.support.payment_histories import paid, refunded, request_payment
from tests.support.query_client import FINANCE_KEY, KEY, client_of
from tests.support.read_model import store_balance

pytestmark = pytest.mark.integration

DAY = 24 * 3600


@pytest_asyncio.fixture
async def finance(read_pool: Pool) -> Any:
    async with client_of(read_pool, key=FINANCE_KEY) as client:
        yield client


def iso(unix_s: int) -> str:
    return datetime.fromtimestamp(unix_s, UTC).isoformat()


async def balances(finance: httpx.AsyncClient, **parameters: str) -> dict[tuple[str, str], int]:
    response = await finance.get("/ledger/balances", params=parameters)
    assert response.status_code == 200
    found = LedgerBalances.model_validate_json(response.content)
    return {(each.account.value, each.currency): each.balance for each in found.data if each.balance}


async def entries(finance: httpx.AsyncClient, **parameters: Any) -> list[dict[str, Any]]:
    """All pages."""
    found: list[dict[str, Any]] = []
    while True:
        response = await finance.get("/ledger/entries", params=parameters)
        assert response.status_code == 200
        assert LedgerEntryPage.model_validate_json(response.content)
        page = response.json()
        found += page["data"]
        if not page["has_more"]:
            return found
        parameters["cursor"] = page["next_cursor"]


def topup(number: int, created: int, amount: int = 100, currency: str = "USD") -> Any:
    return a_row(
        f"txn_{number}",
        reporting_category="topup",
        source_id=f"tu_{number}",
        created=created,
        amount=amount,
        fee=0,
        currency=currency,
    )


async def test_balances_are_of_any_moment_and_as_of_is_inclusive(
    finance: httpx.AsyncClient, app: AppConnection, project: Project
) -> None:
    midnight = CREATED // DAY * DAY
    times = [midnight - DAY, midnight - 1, midnight, midnight + 3600, midnight + DAY]
    await store_balance(app, *(topup(number, at, amount=10**number) for number, at in enumerate(times)))
    await project()

    async def clearing(as_of: int) -> int:
        return (await balances(finance, as_of=iso(as_of))).get(("stripe_clearing", "USD"), 0)

    assert [await clearing(at) for at in times] == [1, 11, 111, 1111, 11111]
    assert [await clearing(at - 1) for at in times] == [0, 1, 11, 111, 1111]
    assert await balances(finance) == {("stripe_clearing", "USD"): 11111, ("adjustments", "USD"): -11111}
    with_offset = datetime.fromtimestamp(midnight, UTC) + timedelta(hours=2)
    assert (await balances(finance, as_of=with_offset.isoformat().replace("+00:00", "+02:00")))[
        "stripe_clearing", "USD"
    ] == 111


async def test_both_sides_of_a_trial_balance_are_equal_in_every_currency(
    finance: httpx.AsyncClient, record: Record, app: AppConnection, project: Project
) -> None:
    for currency, amount in (("USD", 5000), ("JPY", 700), ("KWD", 12340)):
        await record(paid(request_payment(amount=Money(amount_cents=amount, currency=currency))))
    await record(
        [
            *paid(request := request_payment()),
            *refunded(RefundId(uuid.uuid4()), Money(amount_cents=300, currency="USD")),
        ]
    )
    await store_balance(app, a_row(source_id=f"ch_{request.payment_id.hex}"), topup(2, CREATED, -50, "JPY"))
    await project()
    response = await finance.get("/ledger/trial-balance")
    assert response.status_code == 200
    shown = TrialBalance.model_validate_json(response.content)
    assert [each.currency for each in shown.data] == ["JPY", "KWD", "USD"]
    for each in shown.data:
        assert each.debit == each.credit == sum(account.debit for account in each.accounts)
        assert sum(account.balance for account in each.accounts) == 0
    usd = {account.account.value: (account.debit, account.credit) for account in shown.data[2].accounts}
    assert usd == {
        "customer_receivable": (0, 6000),
        "refunds": (300, 0),
        "stripe_clearing": (6000, 359),
        "stripe_fees": (59, 0),
    }


async def test_an_answer_that_the_client_has_is_not_sent_again(
    finance: httpx.AsyncClient, app: AppConnection, project: Project
) -> None:
    await store_balance(app, topup(1, CREATED))
    position = await project()
    for path in ("/ledger/balances", "/ledger/trial-balance"):
        first = await finance.get(path)
        assert first.headers["Paystream-Position"] == str(position)
        again = await finance.get(path, headers={"If-None-Match": first.headers["ETag"]})
        assert (again.status_code, again.content) == (304, b"")
    await store_balance(app, topup(2, CREATED))
    await project()
    assert (await finance.get(path, headers={"If-None-Match": first.headers["ETag"]})).status_code == 200


async def test_entries_run_newest_first_and_pages_hold_each_once(
    finance: httpx.AsyncClient, app: AppConnection, project: Project
) -> None:
    # Three a second: the place in the log decides between equal times.
    await store_balance(app, *(topup(each, CREATED + each // 3) for each in random.sample(range(14), 14)))
    await project()
    found = await entries(finance, limit=4)
    assert len({each["id"] for each in found}) == len(found) == 14
    keys = [(each["at"], each["position"]) for each in found]
    assert keys == sorted(keys, reverse=True)


async def test_a_payments_entries_are_its_movements_fees_and_conversions(
    finance: httpx.AsyncClient, record: Record, app: AppConnection, project: Project
) -> None:
    euros = Money(amount_cents=1000, currency="EUR")
    payment_id = await record(
        [
            *paid(request := request_payment(amount=euros)),
            *refunded(RefundId(uuid.uuid4()), Money(amount_cents=300, currency="EUR")),
        ]
    )
    await record(paid(request_payment()))
    charge = f"ch_{request.payment_id.hex}"
    await store_balance(
        app,
        a_row(source_id=charge, amount=1080, fee=61, exchange_rate="1.08"),
        a_row("txn_2", source_id="ch_x", reporting_category="network_cost", amount=-5, fee=0, created=CREATED + 10),
    )
    await project()

    found = await entries(finance, payment_id=str(payment_id))
    assert {(each["kind"], each["category"]) for each in found} == {
        ("movement", "charge"),
        ("fee", "charge"),
        ("conversion", "charge"),
        ("movement", "refund"),
    }
    assert {each["payment_id"] for each in found} == {str(payment_id)}
    assert {each["kind"] for each in await entries(finance, source_id=charge)} == {"movement", "fee", "conversion"}
    (fee,) = await entries(finance, payment_id=str(payment_id), account="stripe_fees")
    assert fee["lines"] == [
        {"account": "stripe_clearing", "currency": "USD", "amount": -61},
        {"account": "stripe_fees", "currency": "USD", "amount": 61},
    ]
    (unknown,) = await entries(finance, source_id="ch_x")
    assert unknown["payment_id"] is None
    assert await entries(finance, payment_id=str(uuid.uuid4())) == []
    at = datetime.fromtimestamp(CREATED, UTC)
    dated = await entries(finance, since=at.isoformat(), until=(at + timedelta(seconds=1)).isoformat())
    assert {each["kind"] for each in dated} == {"fee", "conversion"}


async def test_only_a_key_of_finance_reads_it_and_what_is_unknown_is_refused(
    read_pool: Pool, finance: httpx.AsyncClient
) -> None:
    for path in ("/ledger/balances", "/ledger/trial-balance", "/ledger/entries"):
        async with client_of(read_pool, key=KEY) as other:
            response = await other.get(path)
            assert (response.status_code, response.json()["code"]) == (403, "forbidden")
        async with client_of(read_pool, key=None, anonymous="merchant_test") as nobody:
            assert (await nobody.get(path)).status_code == 401
        response = await finance.get(path, params={"colour": "USD"})
        assert (response.status_code, response.json()["code"]) == (400, "invalid_request")
    for parameters in ({"account": "pocket"}, {"payment_id": "x"}, {"limit": 101}, {"as_of": "noon"}):
        assert (await finance.get("/ledger/entries", params=parameters)).status_code == 400
    response = await finance.get("/ledger/entries", params={"cursor": "WzFd"})
    assert (response.status_code, response.json()["code"]) == (400, "invalid_cursor")
    assert (await finance.get("/payments")).status_code == 403


async def test_an_account_and_a_currency_have_each_their_entries_once_in_order(
    finance: httpx.AsyncClient, record: Record, app: AppConnection, project: Project
) -> None:
    for currency in ("USD", "JPY", "USD", "EUR"):
        request = request_payment(amount=Money(amount_cents=1000, currency=currency))
        await record(paid(request))
        await store_balance(app, a_row(f"txn_{uuid.uuid4().hex}", source_id=f"ch_{request.payment_id.hex}"))
    await project()
    everything = await entries(finance, limit=100)
    for account in ("stripe_clearing", "stripe_fees", "customer_receivable", "bank", ""):
        for currency in ("USD", "JPY", "KWD", ""):
            given = {name: value for name, value in (("account", account), ("currency", currency)) if value}
            expected = [
                each["id"]
                for each in everything
                if any(
                    account in {"", line["account"]} and currency in {"", line["currency"]} for line in each["lines"]
                )
            ]
            assert [each["id"] for each in await entries(finance, limit=2, **given)] == expected, given
