"""A merchant's view of ledger and discrepancies: its own, all of its own, and at a cost that follows the page."""

import uuid
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any, LiteralString

import httpx
import psycopg
import pytest
import pytest_asyncio

from domain.ids import RefundId
from domain.money import Money
from event_store.store import Connection as AppConnection
from infra.postgres.pool import Pool
from projections.ledger import read as ledger
from projections.reconciliation import read as reconciliation
from schemas.http.ledger import LedgerBalances, LedgerEntryPage
from schemas.http.merchant import MerchantDiscrepancyPage
from tests.integration.query_api.conftest import Project, Record
from tests.support.balance_events import CREATED, a_row
from tests.support.database import Database
from tests.support.discrepancies import open_discrepancy
from tests.support.payment_histories import paid, refunded, request_payment
from tests.support.query_client import FINANCE_KEY, MERCHANT, OTHER_KEY, OTHER_MERCHANT, client_of
from tests.support.read_model import store_balance

pytestmark = pytest.mark.integration

DAY = date(2026, 5, 1)
ENTRIES, DISCREPANCIES, BALANCES = "/merchant/ledger/entries", "/merchant/discrepancies", "/merchant/ledger/balances"
_MANY = 20_000


@pytest_asyncio.fixture
async def other(read_pool: Pool) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(read_pool, key=OTHER_KEY) as client:
        yield client


@pytest_asyncio.fixture
async def finance(read_pool: Pool) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(read_pool, key=FINANCE_KEY) as client:
        yield client


async def balances(client: httpx.AsyncClient, path: str = BALANCES, **parameters: str) -> Counter[tuple[str, str]]:
    answer = await client.get(path, params=parameters)
    assert answer.status_code == 200, answer.text
    found = LedgerBalances.model_validate_json(answer.content)
    return Counter({(each.account.value, each.currency): each.balance for each in found.data})


async def listed(client: httpx.AsyncClient, path: str, model: Any, **parameters: Any) -> list[dict[str, Any]]:
    """All pages."""
    found: list[dict[str, Any]] = []
    while True:
        answer = await client.get(path, params=parameters)
        assert answer.status_code == 200, answer.text
        assert model.model_validate_json(answer.content)
        found += answer.json()["data"]
        if not answer.json()["has_more"]:
            return found
        parameters["cursor"] = answer.json()["next_cursor"]


@pytest_asyncio.fixture
async def payments(record: Record, app: AppConnection, project: Project) -> dict[str, list[uuid.UUID]]:
    """Payments of both merchants, with a refund and Stripe's rows, and rows that are of neither."""
    made: dict[str, list[uuid.UUID]] = {MERCHANT: [], OTHER_MERCHANT: []}
    rows = []
    for number, merchant in enumerate([MERCHANT, OTHER_MERCHANT] * 3):
        request = request_payment(amount=Money(amount_cents=1000 + number, currency="USD"))
        life = [*paid(request), *refunded(RefundId(uuid.uuid4()), Money(amount_cents=100 + number, currency="USD"))]
        made[merchant].append(await record(life, merchant))
        amount = {"amount": 1000 + number, "fee": 59 + number}
        rows.append(a_row(f"txn_{number}", source_id=f"ch_{request.payment_id.hex}", **amount))
    # Converted on Stripe's balance: an entry that needs both sides.
    request = request_payment(amount=Money(amount_cents=5000, currency="EUR"))
    made[MERCHANT].append(await record(paid(request), MERCHANT))
    converted = {"amount": 5400, "fee": 59, "currency": "USD", "exchange_rate": "1.08"}
    rows.append(a_row("txn_eur", source_id=f"ch_{request.payment_id.hex}", **converted))
    rows.append(a_row("txn_top", reporting_category="topup", source_id="tu_1", amount=77, fee=0))
    rows.append(a_row("txn_payout", type="payout", reporting_category="payout", source_id="po_1", amount=-900, fee=0))
    await store_balance(app, *rows)
    await project()
    return made


@pytest.mark.usefixtures("payments")
async def test_both_merchants_and_the_account_add_up(
    client: httpx.AsyncClient,
    other: httpx.AsyncClient,
    finance: httpx.AsyncClient,
) -> None:
    for when in (
        {},
        {"as_of": datetime.now(UTC).isoformat()},
        {"as_of": datetime.fromtimestamp(CREATED, UTC).isoformat()},
    ):
        own, others = await balances(client, **when), await balances(other, **when)
        account = await balances(finance, "/ledger/balances", **when)
        for key in account:
            of_none = {
                ("adjustments", "USD"): -77,
                ("payouts_in_transit", "USD"): 900,
                ("stripe_clearing", "USD"): 77 - 900,
            }
            assert own[key] + others[key] + of_none.get(key, 0) == account[key], (key, when)
        assert sum(own.values()) == 0
    assert own[("stripe_fees", "USD")] == 59 + 61 + 63 + 59


async def test_entries_are_of_the_merchants_payments_alone(
    client: httpx.AsyncClient,
    other: httpx.AsyncClient,
    finance: httpx.AsyncClient,
    payments: dict[str, list[uuid.UUID]],
) -> None:
    own = await listed(client, ENTRIES, LedgerEntryPage, limit=2)
    everything = await listed(finance, "/ledger/entries", LedgerEntryPage)
    known = {str(payment_id) for payment_id in payments[MERCHANT]}
    assert own == [each for each in everything if each["payment_id"] in known]
    assert {each["payment_id"] for each in own} == known
    assert {each["kind"] for each in own} == {"movement", "fee", "conversion"}
    theirs = await listed(other, ENTRIES, LedgerEntryPage)
    assert {each["payment_id"] for each in theirs} == {str(each) for each in payments[OTHER_MERCHANT]}

    one = str(payments[MERCHANT][0])
    assert await listed(client, ENTRIES, LedgerEntryPage, payment_id=one) == [
        each for each in own if each["payment_id"] == one
    ]
    assert await listed(other, ENTRIES, LedgerEntryPage, payment_id=one) == []
    middle = own[len(own) // 2]["at"]
    since = await listed(client, ENTRIES, LedgerEntryPage, since=middle)
    until = await listed(client, ENTRIES, LedgerEntryPage, until=middle)
    assert since + until == own


async def test_discrepancies_are_of_the_merchants_payments_alone(
    client: httpx.AsyncClient,
    other: httpx.AsyncClient,
    payments: dict[str, list[uuid.UUID]],
    app: AppConnection,
    project: Project,
) -> None:
    first, second, *_ = payments[MERCHANT]
    older = await open_discrepancy(app, "ch_older", DAY - timedelta(days=1), first, resolved=True)
    newer = await open_discrepancy(app, "ch_newer", DAY, second)
    await open_discrepancy(app, "ch_theirs", DAY, payments[OTHER_MERCHANT][0])
    await open_discrepancy(app, "ch_of_nobody", DAY, None)
    await project()

    async def ids(**filters: Any) -> list[str]:
        return [each["id"] for each in await listed(client, DISCREPANCIES, MerchantDiscrepancyPage, limit=1, **filters)]

    assert await ids() == [str(newer), str(older)]
    assert await ids(status="unresolved") == [str(newer)]
    assert await ids(status="resolved") == [str(older)]
    assert await ids(payment_id=str(first)) == [str(older)]
    assert await ids(payment_id=str(payments[OTHER_MERCHANT][0])) == []
    assert await ids(date_from=str(DAY)) == [str(newer)]
    assert await ids(date_to=str(DAY - timedelta(days=1))) == [str(older)]
    (theirs,) = await listed(other, DISCREPANCIES, MerchantDiscrepancyPage)
    assert theirs["source_id"] == "ch_theirs"
    assert not {"actor", "reason", "reconciliation_id"} & theirs.keys()


async def test_an_answer_that_the_client_has_is_not_sent_again(
    client: httpx.AsyncClient, other: httpx.AsyncClient, payments: dict[str, list[uuid.UUID]]
) -> None:
    assert payments
    answer = await client.get(BALANCES)
    known = {"If-None-Match": answer.headers["ETag"]}
    assert (await client.get(BALANCES, headers=known)).status_code == 304
    assert (await other.get(BALANCES, headers=known)).status_code == 200


@pytest.mark.parametrize(
    "query",
    [
        f"{ENTRIES}?account=refunds",
        f"{ENTRIES}?merchant_id={OTHER_MERCHANT}",
        f"{ENTRIES}?payment_id=1",
        f"{ENTRIES}?cursor=e30",
        f"{DISCREPANCIES}?kind=fee",
        f"{DISCREPANCIES}?status=gone",
        f"{DISCREPANCIES}?cursor=W10",
        f"{BALANCES}?as_of=yesterday",
    ],
)
async def test_a_parameter_that_is_none_is_refused(client: httpx.AsyncClient, query: str) -> None:
    assert (await client.get(query)).status_code == 400


async def test_a_page_costs_the_same_beside_many_of_another_merchant(database: Database) -> None:
    """Those of the other are newer, so that a walk along the account's list would pass all of them."""
    async with await psycopg.AsyncConnection.connect(database.url("owner"), autocommit=True) as owner:
        for statement in _FILL:
            await owner.execute(statement, {"many": _MANY, "own": MERCHANT, "other": OTHER_MERCHANT})
        page: dict[str, Any] = {"merchant_id": MERCHANT, "limit": 21, "payment_id": None, "since": None, "until": None}
        page |= {"after_at": None, "after_position": None, "after_number": None}
        page |= {"status": "unresolved", "date_from": None, "date_to": None, "after_date": None, "after_id": None}
        page |= {"as_of": datetime(2026, 5, 2, tzinfo=UTC)}
        for statement in (
            ledger._SQL.entries_of_merchant,
            ledger._SQL.balances_of_merchant,
            reconciliation._SQL.discrepancies_of_merchant,
        ):
            cursor = await owner.execute("EXPLAIN (ANALYZE, FORMAT JSON) " + statement, page)
            row = await cursor.fetchone()
            assert row is not None
            assert sum(_read(row[0][0]["Plan"])) < 300, row[0][0]["Plan"]


_FILL: tuple[LiteralString, ...] = (
    """
    INSERT INTO read_model.ledger_entries (position, number, kind, source_id, category, at, merchant_id)
    SELECT n, 0, 'movement', 'ch_' || n, 'charge', '2026-05-01'::timestamptz + n * interval '1 s',
           CASE WHEN n <= 100 THEN %(own)s ELSE %(other)s END
      FROM generate_series(1, %(many)s) n
    """,
    """
    INSERT INTO read_model.ledger_merchant_days (merchant_id, day, account, currency, debit, credit)
    SELECT CASE WHEN n <= 10 THEN %(own)s ELSE %(other)s END, '2020-01-01'::date + n, 'refunds', 'USD', 1, 0
      FROM generate_series(1, %(many)s) n
    """,
    """
    INSERT INTO read_model.discrepancies
          (discrepancy_id, kind, source_id, category, date, status, transaction_ids, run_id, opened_at, updated_at,
           version, position, merchant_id)
    SELECT gen_random_uuid(), 'fee', 'ch_' || n, 'charge', '2020-01-01'::date + n %% 2000,
           CASE WHEN n %% 2 = 0 THEN 'open' ELSE 'resolved' END, '[]', gen_random_uuid(), now(), now(), 1, n,
           CASE WHEN n <= 100 THEN %(own)s ELSE %(other)s END
      FROM generate_series(1, %(many)s) n
    """,
    "ANALYZE read_model.ledger_entries, read_model.ledger_merchant_days, read_model.discrepancies",
)


def _read(plan: dict[str, Any]) -> Iterator[float]:
    """Yield how many rows each scan has read, those that it threw away too."""
    if "Scan" in plan["Node Type"]:
        yield (plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)) * plan["Actual Loops"]
    for child in plan.get("Plans", ()):
        yield from _read(child)
