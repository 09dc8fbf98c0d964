"""A page costs what it shows, however many payments are behind it. The table of times and sizes is left in build/."""

import hashlib
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import cast
from uuid import UUID

import httpx
import psycopg
import pytest
from redis.asyncio import Redis

from back_office.apis.client import Api
from back_office.app import create_app
from back_office.office import Office
from domain.ids import PaymentId
from infra.access.keyring import ApiKeyring
from infra.access.principal import Scope
from infra.embedded.postgres import PostgresServer
from infra.postgres.pool import create_pool
from infra.process.health import Health
from infra.settings.http import ApiKey
from projections.payments.read import PageKey
from query_api import app as query
from query_api.cursors import encode_key
from query_api.database import create_read_pool
from query_api.freshness import Freshness
from tests.integration.command_api.running_api import running
from tests.support.database import Database, fresh_database
from tests.support.html_page import HtmlPage
from tests.support.many_payments import fill
from tests.support.processor_time import ProcessorTime
from tests.unit.back_office.conftest import PASSWORD, settings

pytestmark = [pytest.mark.integration, pytest.mark.slow]

TABLE = Path(__file__).parents[3] / "build" / "back-office-times.md"
FEW, MANY = 1_000, 100_000
TIMES = 5
LONGEST_S, LONGEST_SEARCH_S = 0.2, 0.05
TODAY = datetime.now(UTC).date()
MERCHANT = "merchant_many"
KEY = "sk_test_office"
SCOPES = (
    *("payments:write", "payments:read", "refunds:write", "webhooks:write", "actor:set"),
    *("finance:read", "finance:write", "audit:read", "admin:read", "admin:write"),
)

OF_FINANCE = (
    "/payments/{payment}/refund",
    "/payments/{payment}/capture",
    "/discrepancies/{discrepancy}/explain",
    "/discrepancies/{discrepancy}/assign",
)
"""Pages that the operator, who sees every list, may not open."""
PAGES = (
    *OF_FINANCE,
    "/payments",
    "/payments?cursor={deep}",
    "/payments?status=succeeded",
    "/payments?status=requires_payment_method&currency=JPY",
    "/payments?currency=KWD",
    "/payments?currency=USD&amount_min=9000.00",
    "/payments?refusal_code=lost_card",
    "/payments?disputed=true",
    "/payments?user_id=user_large",
    "/payments?idempotency_key=order-77",
    "/payments?decimal_amount=1.76",
    "/payments?correlation_id=c-large",
    "/payments/{payment}",
    "/payments/{payment}/cancel",
    "/payment-views",
    "/payments?from_day={month_ago}&to_day={today}&status=succeeded",
    "/customers?user_id=user_large",
    "/customers/personal-data?user_id=user_7",
    "/search?q=order-77",
    "/search?q=pi_many77",
    "/search?q=ch_many77",
    "/search?q=po_many7",
    "/search?q={payment}",
    "/search?q=r-77",
    "/search?q=c-77",
    "/search?q=c-large",
    "/search?q=1.76",
    "/search?q=177",
    "/search?q=user_large",
    "/search?q=re_many25",
    "/search?q=du_many6",
    "/search?q=evt_many7",
    "/search?q=nothing",
    "/overview",
    "/overview?from_day={year_ago}&to_day={today}",
    "/payouts",
    "/ledger",
    "/ledger?day={month_ago}",
    "/ledger/entries",
    "/ledger/entries?payment_id={payment}",
    "/ledger/entries?account=stripe_fees",
    "/ledger/entries?account=bank",
    "/ledger/entries?currency=KWD",
    "/disputes",
    "/disputes?stage=all",
    "/reconciliations",
    "/reconciliations/{run}",
    "/discrepancies",
    "/discrepancies?status=unresolved",
    "/system",
    "/tasks",
    "/tasks?payment_id={payment}",
    "/dead-letters",
    "/dead-letters/replay",
    "/sagas",
    "/stripe-events",
    "/stripe-events?about=ch_many77",
    "/webhooks",
    "/audit",
    "/audit/staff-log",
    "/audit/staff-log?name=staff1",
    "/audit/staff-log?name=nobody",
    "/audit/erasures",
    "/sessions",
    "/rebuilds",
    "/limits",
    "/merchants",
    "/operator-keys",
    "/staff",
    "/staff/operator",
    "/new-merchant",
    "/recovery-codes",
)
READS = (
    "/payments?limit=100",
    "/payments?correlation_id=c-large&limit=100",
    "/payments/{payment}/events",
    "/payment-count?status=succeeded&at_most=1000",
    "/payment-totals?date_from={month_ago}&date_to={today}&time_zone=Europe/Berlin",
    "/customer-totals?user_id=user_large",
    "/disputes?limit=100",
    "/split-payments?limit=100",
    "/merchant/ledger/balances",
    "/merchant/ledger/entries?limit=100",
    "/merchant/discrepancies?limit=100",
    "/ledger/balances",
    "/ledger/trial-balance",
    "/ledger/entries?limit=100",
    "/ledger/totals?date_from={month_ago}&date_to={today}&time_zone=Europe/Berlin",
    "/payouts?limit=100",
    "/reconciliations?limit=100",
    "/discrepancies?limit=100",
    "/audit/seals",
    "/audit/staff-log?limit=100",
    "/audit/erasures?limit=100",
)


@dataclass(kw_only=True)
class Behind:
    """Pages and APIs on so many payments, all in this process: what is measured is all of their work."""

    browser: httpx.AsyncClient
    of_finance: httpx.AsyncClient
    query_api: httpx.AsyncClient
    payment: str
    oldest: datetime
    processor: ProcessorTime
    taken_s: dict[str, list[float]] = field(default_factory=dict)
    used_s: dict[str, list[float]] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)

    async def ask(self, place: str) -> None:
        """Ask once, and note how long it took, and how much processor time."""
        client = self.query_api if place in READS else self.of_finance if place in OF_FINANCE else self.browser
        deep = encode_key(PageKey(created_at=self.oldest + timedelta(hours=2), payment_id=PaymentId(UUID(int=0))))
        address = place.format(
            payment=self.payment,
            run=made_of("run-1"),
            discrepancy=made_of("discrepancy-10"),
            deep=deep,
            today=TODAY,
            month_ago=TODAY - timedelta(days=30),
            year_ago=TODAY - timedelta(days=365),
        )
        used, begun = await self.processor.used_s(), time.perf_counter()
        answer = await client.get(address)
        taken = time.perf_counter() - begun
        used = await self.processor.used_s() - used
        assert answer.status_code in {200, 303}, (place, answer.status_code, answer.text[:300])
        self.taken_s.setdefault(place, []).append(taken)
        self.used_s.setdefault(place, []).append(used)
        self.sizes[place] = len(answer.content)

    def median_s(self, place: str) -> float:
        return median(self.taken_s[place][1:])  # the first loads a template, or plans

    def cost_s(self, place: str) -> float:
        """Return the processor time of the work, without what a busy machine adds now and then."""
        return min(self.used_s[place])


def made_of(name: str) -> UUID:
    """Return the id that the filling gives to something of this name."""
    return UUID(hashlib.md5(name.encode(), usedforsecurity=False).hexdigest())


@asynccontextmanager
async def behind(database: Database, redis: Redis, count: int) -> AsyncIterator[Behind]:
    payment = await fill(database, count, merchant_id=MERCHANT)
    digest = hashlib.sha256(KEY.encode()).hexdigest()
    scopes = frozenset(cast("Sequence[Scope]", SCOPES))
    keys = ApiKeyring([ApiKey(id="office", sha256=digest, merchant_id=MERCHANT, scopes=scopes)])
    async with (
        create_read_pool(database.url("query"), size=4, timeout_ms=5000) as read_pool,
        create_read_pool(database.url("audit"), size=2, timeout_ms=5000) as log_pool,
        create_pool(database.url("app"), size=4, name="test") as app_pool,
        await psycopg.AsyncConnection.connect(database.url("owner"), autocommit=True) as own,
        running(app_pool, redis, keys=keys, api_key=KEY, erasure_url=database.url("erasure")) as commands,
    ):
        app = query.create_app(
            read_pool, Freshness(read_pool, wait_ms=400), keyring=keys, health=Health(), history=log_pool
        )
        queries = client_on(app, {"Authorization": f"Bearer {KEY}"})
        office = Office.from_settings(
            settings(),
            command_api=Api(commands.client, name="command API"),
            query_api=Api(queries, name="query API"),
        )
        pages = create_app(office, health=Health())
        async with queries, client_on(pages, {}) as browser, client_on(pages, {}) as of_finance:
            await log_in(browser, "operator")
            await log_in(of_finance, "finance")
            oldest = datetime.now(UTC) - timedelta(minutes=count)
            yield Behind(
                browser=browser,
                of_finance=of_finance,
                query_api=queries,
                payment=str(payment),
                oldest=oldest,
                processor=ProcessorTime(own),
            )


def client_on(app: object, headers: dict[str, str]) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app)  # type: ignore[arg-type]
    return httpx.AsyncClient(transport=transport, base_url="http://office.test", headers=headers)


async def log_in(browser: httpx.AsyncClient, name: str) -> None:
    fields = HtmlPage((await browser.get("/login")).text).form("/login").fields
    answer = await browser.post("/login", data={**fields, "name": name, "password": PASSWORD})
    assert answer.status_code == 303


@pytest.mark.timeout(300)
async def test_a_page_costs_what_it_shows(session_postgres: PostgresServer, redis: Redis) -> None:
    """Few and many are asked in turn: what else the machine does falls on both."""
    async with (
        fresh_database(session_postgres) as small,
        fresh_database(session_postgres) as large,
        behind(small, redis, FEW) as few,
        behind(large, redis, MANY) as many,
    ):
        for place in (*PAGES, *READS):
            for _ in range(TIMES + 1):
                for each in (few, many):
                    await each.ask(place)
    write_table(few, many)
    assert dearer(few, many) == {}
    assert slow(many) == {}


def dearer(few: Behind, many: Behind) -> dict[str, tuple[float, float]]:
    """Return what costs more than four times as much, as far as that can be told."""
    return {
        place: (few.cost_s(place), many.cost_s(place))
        for place in (*PAGES, *READS)
        if many.cost_s(place) > 4 * few.cost_s(place) + 0.04
    }


def slow(many: Behind) -> dict[str, float]:
    """Return the pages that take longer than a page may, and the searches that take longer than a search may."""
    return {place: many.cost_s(place) for place in PAGES if many.cost_s(place) > longest_s(place)}


def longest_s(place: str) -> float:
    return LONGEST_SEARCH_S if place.startswith("/search") else LONGEST_S


def write_table(few: Behind, many: Behind) -> None:
    lines = [f"| what | with {FEW:,} payments | with {MANY:,} | size |", "|---|---|---|---|"]
    for place in (*PAGES, *READS):
        what = f"query API `{place}`" if place in READS else f"`{place}`"
        times = " | ".join(f"{each.median_s(place) * 1000:.0f} ms" for each in (few, many))
        lines.append(f"| {what} | {times} | {many.sizes[place] / 1000:.0f} KB |")
    TABLE.parent.mkdir(exist_ok=True)
    TABLE.write_text("\n".join(lines) + "\n")
