"""Appends what is news on a page, in the transaction that moves the cursor past it.

Nobody else can do harm meanwhile: a balance transaction has one place in the log, and a payout's next status too.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import structlog

from consumers.balance import metrics, watched
from consumers.stripe.lists.errors import Conflicted
from consumers.stripe.lists.streams import known_streams
from consumers.stripe.translate.balance import payout_of, transaction_of
from domain.stripe_balance import (
    PayoutChanged,
    StripeBalanceEvent,
    TransactionRecorded,
    payout_news,
    payout_stream,
    transaction_stream,
)
from event_store.appends import NO_STREAM, Append, Appended
from event_store.store import append, load_many
from infra.postgres.pool import Connection
from schemas.envelope import NO_MERCHANT, EventMetadata
from schemas.events import BALANCE_CODEC

log = structlog.get_logger(__name__)

ACTOR = "stripe-balance"


async def record_transactions(
    conn: Connection, rows: Sequence[Mapping[str, Any]], *, correlation_id: str, actor: str = ACTOR
) -> int:
    """Append the balance transactions that the log does not have; return how many. Raises UnexpectedRow.

    A row that somebody else appended in this moment is the same row: that is no conflict.
    """
    metadata = EventMetadata(correlation_id=correlation_id, actor=actor, merchant_id=NO_MERCHANT)
    return await _append_all(conn, await _new_transactions(conn, [transaction_of(row) for row in rows], metadata))


async def record_payouts(
    conn: Connection, rows: Sequence[Mapping[str, Any]], *, correlation_id: str, watch_days: int
) -> int:
    """Append what is news of payouts, and watch those that may still change; return how much.

    Raises UnexpectedRow or Conflicted; the caller then rolls back.
    """
    metadata = EventMetadata(correlation_id=correlation_id, actor=ACTOR, merchant_id=NO_MERCHANT)
    payouts = [payout_of(row) for row in rows]
    appends = await _changed_payouts(conn, payouts, metadata)
    await watched.watch(conn, payouts, watch_days=watch_days)
    appended = await _append_all(conn, appends)
    if appended < len(appends):
        raise Conflicted
    return appended


async def _append_all(conn: Connection, appends: Sequence[Append]) -> int:
    results = await append(conn, appends)
    appended = [each for each, result in zip(appends, results, strict=True) if isinstance(result, Appended)]
    for each in appended:
        for event in each.events:
            metrics.EVENTS_APPENDED.labels(event.type).inc()
    return len(appended)


async def _new_transactions(
    conn: Connection, facts: Sequence[TransactionRecorded], metadata: EventMetadata
) -> list[Append]:
    by_stream = {transaction_stream(fact.transaction_id): fact for fact in facts}
    known = await known_streams(conn, list(by_stream))
    # The oldest first, as they happened.
    return [
        _append(stream_id, NO_STREAM, fact, metadata)
        for stream_id, fact in reversed(by_stream.items())
        if stream_id not in known
    ]


async def _changed_payouts(conn: Connection, facts: Sequence[PayoutChanged], metadata: EventMetadata) -> list[Append]:
    by_stream = {payout_stream(fact.payout_id): fact for fact in facts}
    streams = await load_many(conn, list(by_stream))
    appends = []
    for stream_id, fact in reversed(by_stream.items()):
        decoded = [BALANCE_CODEC.decode(event) for event in streams[stream_id]]
        known = [event for event in decoded if isinstance(event, PayoutChanged)]
        for news in payout_news(known, fact):
            appends.append(_append(stream_id, len(decoded), news, metadata))
            log.info("payout_status_changed", payout=fact.payout_id, status=fact.status.value)
    return appends


def _append(stream_id: UUID, version: int, fact: StripeBalanceEvent, metadata: EventMetadata) -> Append:
    return Append.of(BALANCE_CODEC, [fact], stream_id=stream_id, expected_version=version, metadata=metadata)
