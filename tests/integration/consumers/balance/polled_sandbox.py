"""What the tests of the poller share: a sandbox with money in it, and what the log knows of it."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import stripe
from psycopg.rows import dict_row

from consumers.balance.poller import poll_payouts, poll_transactions
from consumers.stripe.client import JsonObject, Page
from consumers.stripe.lists.lists import Lists, StripeList
from consumers.stripe.lists.poll import Reach
from infra.postgres.pool import Pool
from infra.stripe_sandbox.client import SandboxAdmin

REACH = Reach(overlap_s=900, page_size=3)
WATCH_DAYS = 7


async def charge(
    client: stripe.StripeClient, *, amount: int = 1000, currency: str = "usd", method: str = "pm_card_bypassPending"
) -> str:
    """Make a payment that succeeds and return its charge's id."""
    intent = await client.v1.payment_intents.create_async(
        {
            "amount": amount,
            "currency": currency,
            "payment_method": method,
            "confirm": True,
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
        },
        {"idempotency_key": str(uuid.uuid4())},
    )
    assert intent.status == "succeeded"
    assert isinstance(intent.latest_charge, str)
    return intent.latest_charge


@dataclass
class Log:
    """The events of Stripe's balance in the log."""

    pool: Pool

    async def events_of(self, type_: str) -> list[dict[str, Any]]:
        query = (
            "SELECT data, stream_id, version FROM event_store.events"
            " WHERE category = 'stripe-balance' AND type = %s ORDER BY position"
        )
        async with self.pool.connection() as conn, conn.cursor(row_factory=dict_row) as cursor:
            await cursor.execute(query, [f"stripe_balance.{type_}"])
            return [row["data"] for row in await cursor.fetchall()]

    async def transactions(self) -> list[dict[str, Any]]:
        return await self.events_of("transaction_recorded")

    async def statuses(self) -> list[tuple[str, str]]:
        return [(each["payout_id"], each["status"]) for each in await self.events_of("payout_changed")]

    async def place(self) -> Any:
        """Return the row after which the listing of transactions goes on."""
        return await self.value(
            "SELECT listing_after FROM consumers.balance_cursors WHERE list = 'balance_transactions'"
        )

    async def value(self, query: str) -> Any:
        async with self.pool.connection() as conn:
            row = await (await conn.execute(query)).fetchone()
        return None if row is None else row[0]


async def poll_both(pool: Pool, lists: Lists, reach: Reach = REACH) -> list[bool]:
    return [await transactions(pool, lists, reach), await payouts(pool, lists, reach)]


async def transactions(pool: Pool, lists: Lists, reach: Reach = REACH, *, whole: bool = True) -> bool:
    return await poll_transactions(pool, lists, reach, whole=whole)


async def payouts(pool: Pool, lists: Lists, reach: Reach = REACH) -> bool:
    return await poll_payouts(pool, lists, reach, watch_days=WATCH_DAYS)


@dataclass
class Watched:
    """Lists that record their requests, and do something before a page."""

    lists: Lists
    requests: list[tuple[StripeList, int, str | None]] = field(default_factory=list)
    fail_at: int | None = None

    async def page(self, list_: StripeList, *, created_from: int, after: str | None, limit: int) -> Page:
        self.requests.append((list_, created_from, after))
        if self.fail_at is not None and len(self.requests) >= self.fail_at:
            raise stripe.APIConnectionError("cut short")
        return await self.lists.page(list_, created_from=created_from, after=after, limit=limit)

    async def row(self, list_: StripeList, stripe_id: str) -> JsonObject | None:
        return await self.lists.row(list_, stripe_id)


async def rows_at_stripe(admin: SandboxAdmin, *, hidden: bool = False) -> list[dict[str, Any]]:
    rows: Sequence[dict[str, Any]] = await admin.balance_transactions()
    return [row for row in rows if hidden or row["shown"]]
