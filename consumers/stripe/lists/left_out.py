"""Which rows of a list could not be recorded. Each is asked for again by its id, so that listings need not reach it."""

from collections.abc import Sequence
from pathlib import Path

from psycopg.rows import scalar_row

from consumers.stripe.lists.lists import StripeList
from infra.postgres.pool import Connection
from infra.postgres.queries import Queries

_SQL = Queries.load(Path(__file__).with_name("left_out.sql"))
_PAUSE_S = 3600.0
"""Between two tries of a row; the alert StripeRowsLeftOut counts on less than three hours."""
_LIMIT = 500


async def remember(conn: Connection, list_: StripeList, stripe_ids: Sequence[str]) -> int:
    """Remember rows, or that they were tried in vain once more; return how many are remembered for the first time."""
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(_SQL.remember, {"list": list_.value, "stripe_ids": list(stripe_ids)})
        return sum(await cursor.fetchall())


async def due(conn: Connection, list_: StripeList) -> list[str]:
    """Return rows that are to be tried again."""
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(_SQL.due, {"list": list_.value, "pause_s": _PAUSE_S, "limit": _LIMIT})
        return await cursor.fetchall()


async def lock(conn: Connection, list_: StripeList, stripe_id: str) -> bool:
    """Lock a row until the transaction ends; return whether it is still left out."""
    cursor = await conn.execute(_SQL.lock, {"list": list_.value, "stripe_id": stripe_id})
    return await cursor.fetchone() is not None


async def forget(conn: Connection, list_: StripeList, stripe_id: str) -> None:
    """Forget a row that is recorded, or that Stripe has no more."""
    await conn.execute(_SQL.forget, {"list": list_.value, "stripe_id": stripe_id})
