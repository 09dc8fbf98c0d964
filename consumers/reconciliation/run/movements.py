"""The movements of the ledger's account at Stripe, and the sources of balance transactions."""

from collections.abc import Sequence
from pathlib import Path

from domain.ids import BalanceSourceId, BalanceTransactionId
from domain.reconciliation.rows import Movement
from domain.stripe_balance import TransactionRecorded, transaction_stream
from event_store.store import load_many
from infra.postgres.pool import Connection
from infra.postgres.queries import Queries
from schemas.events import BALANCE_CODEC

SQL = Queries.load(Path(__file__).with_name("movements.sql"))


async def movements_of(
    conn: Connection, source_ids: Sequence[BalanceSourceId]
) -> dict[BalanceSourceId, list[Movement]]:
    """Return all movements of these sources, whatever their time."""
    found: dict[BalanceSourceId, list[Movement]] = {source_id: [] for source_id in source_ids}
    cursor = await conn.execute(SQL.movements_of_sources, {"source_ids": list(source_ids)})
    for row in await cursor.fetchall():
        found[row[0]].append(Movement._make(row))
    return found


async def sources_of(
    conn: Connection, transaction_ids: Sequence[BalanceTransactionId]
) -> dict[BalanceTransactionId, BalanceSourceId]:
    """Return the sources of balance transactions as the log has them; those without a source are left out.

    Stripe's reports do not contain them by default, and the ledger is ordered by them.
    """
    streams = {transaction_stream(each): each for each in transaction_ids}
    found: dict[BalanceTransactionId, BalanceSourceId] = {}
    for stream_id, events in (await load_many(conn, list(streams))).items():
        for event in map(BALANCE_CODEC.decode, events):
            if isinstance(event, TransactionRecorded) and event.source_id is not None:
                found[streams[stream_id]] = event.source_id
    return found
