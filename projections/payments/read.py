"""Read queries of the `payments` projection, for the query API."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

from psycopg.rows import class_row, scalar_row

from domain.ids import CustomerId, MerchantId, PaymentId, SplitPaymentId, StripeIntentId, UserId
from infra.postgres.pool import Connection
from infra.postgres.queries import Queries
from projections import applied

_SQL = Queries.load(Path(__file__).with_name("read.sql"))
newest_position = partial(applied.newest_position, projection="payments")

_DIFFERENT_AMOUNTS: Final = 3
MOST_OF_AN_ID: Final = 1000
"""Payments of a request or correlation id that are looked at, the newest: a caller may send the same id for ever."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredPayment:
    """A payment as read.

    `metadata`, `refunds`, `last_error`, `next_action`, `dispute` and `contradictions` are JSON, ready to be sent.
    """

    payment_id: PaymentId
    user_id: UserId
    amount_cents: int
    currency: str
    status: str
    stripe_payment_intent_id: StripeIntentId | None
    idempotency_key: str
    created_at: datetime
    description: str | None
    metadata: str
    customer: CustomerId | None
    statement_descriptor_suffix: str | None
    capture_method: str
    amount_capturable_cents: int
    amount_captured_cents: int
    amount_refunded_cents: int
    capture_before: datetime | None
    refunds: str
    last_error: str | None
    next_action: str | None
    dispute: str | None
    contradictions: str
    split_payment_id: SplitPaymentId | None
    version: int
    updated_at: datetime
    position: int

    @property
    def key(self) -> "PageKey":
        """Its place in a list of payments."""
        return PageKey(created_at=self.created_at, payment_id=self.payment_id)


@dataclass(frozen=True, kw_only=True, slots=True)
class PageKey:
    """A place in a list of payments, which runs from the newest to the oldest."""

    created_at: datetime
    payment_id: PaymentId


@dataclass(frozen=True, kw_only=True, slots=True)
class PaymentFilters:
    """What payments to list; None: any. Times are exclusive bounds, amounts (smallest unit) inclusive."""

    status: str | None = None
    user_id: UserId | None = None
    currency: str | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None
    amount_min: int | None = None
    amount_max: int | None = None
    stripe_payment_intent_id: StripeIntentId | None = None
    idempotency_key: str | None = None
    contradicted: bool | None = None
    disputed: bool | None = None
    refusal_code: str | None = None
    split_payment_id: SplitPaymentId | None = None
    amounts: Mapping[str, int] | None = None
    """By currency, in its smallest unit: any of these; at most three different ones."""
    request_id: str | None = None
    """Of a request that left an event in the timeline, as `correlation_id`. No erased payment is found by either."""
    correlation_id: str | None = None

    def columns(self) -> dict[str, Any]:
        """Return the parameters of the statements."""
        columns = {each.name: getattr(self, each.name) for each in fields(self)}
        del columns["amounts"]
        return columns | _amount_columns(self.amounts) | {"most_of_an_id": MOST_OF_AN_ID}


def _amount_columns(amounts: Mapping[str, int] | None) -> dict[str, Any]:
    """Return each amount with the currencies in which it is meant, so that PostgreSQL can tell how frequent it is."""
    currencies: dict[int, list[str]] = {}
    for currency, amount in (amounts or {}).items():
        currencies.setdefault(amount, []).append(currency)
    groups: list[tuple[int | None, list[str]]] = [*currencies.items()]
    assert len(groups) <= _DIFFERENT_AMOUNTS, "a number has as many amounts as there are ways to count decimals"
    groups += [(None, [])] * (_DIFFERENT_AMOUNTS - len(groups))
    columns: dict[str, Any] = {"has_amounts": amounts is not None}
    for number, (amount_cents, codes) in enumerate(groups, start=1):
        columns |= {f"amount_{number}": amount_cents, f"currencies_{number}": codes}
    return columns


@dataclass(frozen=True, kw_only=True, slots=True)
class CustomerTotal:
    """What a user's payments come to in a currency. `disputed`: what open and lost disputes are about."""

    currency: str
    payments: int
    succeeded: int
    captured: int
    refunded: int
    disputes: int
    disputed: int
    first_at: datetime
    last_at: datetime


async def find(conn: Connection, *, merchant_id: MerchantId, payment_id: PaymentId) -> StoredPayment | None:
    """Return a merchant's payment, or None when there is none, also when it is another merchant's."""
    async with conn.cursor(row_factory=class_row(StoredPayment)) as cursor:
        await cursor.execute(_SQL.find, {"merchant_id": merchant_id, "payment_id": payment_id})
        return await cursor.fetchone()


async def page(
    conn: Connection, *, merchant_id: MerchantId, filters: PaymentFilters, after: PageKey | None, limit: int
) -> list[StoredPayment]:
    """Return up to `limit` payments of a merchant that come after a key of the list (None: the newest)."""
    parameters = filters.columns() | {
        "merchant_id": merchant_id,
        "after_created_at": after.created_at if after else None,
        "after_id": after.payment_id if after else None,
        "limit": limit,
    }
    async with conn.cursor(row_factory=class_row(StoredPayment)) as cursor:
        # prepare=False: a prepared statement could get a generic plan, blind to which filters are off.
        await cursor.execute(_SQL.page, parameters, prepare=False)
        return await cursor.fetchall()


async def count(conn: Connection, *, merchant_id: MerchantId, filters: PaymentFilters, at_most: int) -> int:
    """Return how many payments of a merchant there are, up to a limit beyond which nobody counts."""
    parameters = filters.columns() | {"merchant_id": merchant_id, "at_most": at_most}
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(_SQL.count, parameters, prepare=False)
        return int(await cursor.fetchone() or 0)


async def customer_totals(conn: Connection, *, merchant_id: MerchantId, user_id: UserId) -> list[CustomerTotal]:
    """Return what all payments of a user come to, by currency. It costs as much as the user has payments."""
    async with conn.cursor(row_factory=class_row(CustomerTotal)) as cursor:
        await cursor.execute(_SQL.customer_totals, {"merchant_id": merchant_id, "user_id": user_id})
        return await cursor.fetchall()
