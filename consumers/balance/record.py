"""Appends what is new on a page, in the transaction that moves the cursor past it.

Concurrent pollers are harmless: a balance transaction has one place in the log, and so has a payout's next status.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import structlog

from consumers.balance import metrics, watched
from consumers.stripe.lists.poll import Conflicted
from consumers.stripe.lists.streams import known_streams
from consumers.stripe.translate.balance import payout_of, transaction_of
from domain.stripe_balance import (
    PayoutChanged,
    StripeBalanceEvent,
    TransactionRecorded,
    new_payout_events,
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
    """Append the balance transactions that the log lacks; return how many. Raises UnexpectedObject.

    A row that another process appends at the same moment is the same row, so that this is no conflict.
    """
    metadata = EventMetadata(correlation_id=correlation_id, actor=actor, merchant_id=NO_MERCHANT)
    return await _append_all(conn, await _new_transactions(conn, [transaction_of(row) for row in rows], metadata))


async def record_payouts(
    conn: Connection, rows: Sequence[Mapping[str, Any]], *, correlation_id: str, watch_days: int
) -> int:
    """Append new statuses of payouts, and watch those that may still change; return how many events.

    Raises UnexpectedObject or Conflicted; the caller then rolls back.
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
    conn: Connection, transactions: Sequence[TransactionRecorded], metadata: EventMetadata
) -> list[Append]:
    by_stream = {transaction_stream(each.transaction_id): each for each in transactions}
    known = await known_streams(conn, list(by_stream))
    # The oldest first, as they happened.
    return [
        _append(stream_id, NO_STREAM, transaction, metadata)
        for stream_id, transaction in reversed(by_stream.items())
        if stream_id not in known
    ]


async def _changed_payouts(conn: Connection, payouts: Sequence[PayoutChanged], metadata: EventMetadata) -> list[Append]:
    by_stream = {payout_stream(each.payout_id): each for each in payouts}
    streams = await load_many(conn, list(by_stream))
    appends = []
    for stream_id, payout in reversed(by_stream.items()):
        decoded = [BALANCE_CODEC.decode(event) for event in streams[stream_id]]
        known = [event for event in decoded if isinstance(event, PayoutChanged)]
        for event in new_payout_events(known, payout):
            appends.append(_append(stream_id, len(decoded), event, metadata))
            log.info("payout_status_changed", payout=payout.payout_id, status=payout.status.value)
    return appends


def _append(stream_id: UUID, version: int, event: StripeBalanceEvent, metadata: EventMetadata) -> Append:
    return Append.of(BALANCE_CODEC, [event], stream_id=stream_id, expected_version=version, metadata=metadata)
