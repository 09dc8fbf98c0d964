"""Writes the `ledger` projection, which has a part for each of its two topics and one checkpoint name for both."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import LiteralString
from uuid import UUID

import orjson
from psycopg.rows import class_row, dict_row

from domain.ids import BalanceSourceId
from domain.ledger import OWN_CATEGORIES, TWICE_CATEGORIES
from domain.payment.events import DisputeFundsReinstated, DisputeFundsWithdrawn
from domain.stripe_balance import TransactionRecorded
from infra.postgres.jsonb import jsonb
from infra.postgres.pool import Connection
from infra.postgres.queries import Queries
from projections.events import DecodedBalanceEvent, DecodedEvent, by_stream
from projections.ledger.mapping import (
    NAME,
    Changes,
    StreamState,
    awaited_of,
    conversion_of,
    fee_of,
    first_of_each,
    first_transactions,
    second_row_of,
    take_payment,
    take_payout,
    take_transaction,
)
from projections.ledger.rows import AwaitedRow, ConvertibleRow, EntryRow, SecondRow, WaitingRow
from schemas.topics import PAYMENT, STRIPE_BALANCE

_TWICE = sorted(TWICE_CATEGORIES)
_SQL = Queries.load(Path(__file__).with_name("projection.sql"))


class LedgerOfPayments:
    """What payments post, for the runner."""

    name = NAME
    topic = PAYMENT

    async def write(self, conn: Connection, events: Sequence[DecodedEvent]) -> None:
        """Post these events. Raises ProjectionError or LedgerError; the caller must then roll back."""
        streams = by_stream(events)
        before = await _load(conn, streams)
        disputes = await _dispute_times(conn, events)
        changes = Changes()
        after = {
            payment_id: take_payment(
                before.get(payment_id, StreamState()), its_events, changes, disputes=disputes.get(payment_id, {})
            )
            for payment_id, its_events in streams.items()
        }
        await _keep(conn, after)
        await _write(conn, changes)


class LedgerOfBalance:
    """What Stripe's balance rows and payouts post, for the runner."""

    name = NAME
    topic = STRIPE_BALANCE

    async def write(self, conn: Connection, events: Sequence[DecodedBalanceEvent]) -> None:
        """Post these events. Raises ProjectionError or LedgerError; the caller must then roll back."""
        changes = Changes()
        for each in events:
            if isinstance(each.domain_event, TransactionRecorded):
                take_transaction(each, changes)
        payouts = by_stream(each for each in events if not isinstance(each.domain_event, TransactionRecorded))
        before = await _load(conn, payouts)
        after = {
            stream_id: take_payout(before.get(stream_id, StreamState()), its_events, changes)
            for stream_id, its_events in payouts.items()
        }
        await _keep(conn, after)
        await _write(conn, changes)


async def _load(conn: Connection, stream_ids: Iterable[UUID]) -> dict[UUID, StreamState]:
    distinct = list(stream_ids)
    if not distinct:
        return {}
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_SQL.streams, {"stream_ids": distinct})
        return {
            row["stream_id"]: StreamState(version=row["version"], state=orjson.loads(row["state"]))
            for row in await cursor.fetchall()
        }


async def _dispute_times(
    conn: Connection, events: Iterable[DecodedEvent]
) -> dict[UUID, dict[tuple[BalanceSourceId, str], int]]:
    moving = {
        each.stream_id
        for each in events
        if isinstance(each.domain_event, DisputeFundsWithdrawn | DisputeFundsReinstated)
    }
    if not moving:
        return {}
    cursor = await conn.execute(_SQL.dispute_times, {"payment_ids": list(moving), "twice": _TWICE})
    found: dict[UUID, dict[tuple[BalanceSourceId, str], int]] = {}
    for payment_id, source_id, category, times in await cursor.fetchall():
        found.setdefault(payment_id, {})[source_id, category] = times
    return found


async def _keep(conn: Connection, states: Mapping[UUID, StreamState]) -> None:
    if states:
        rows = [
            {"stream_id": stream_id, "version": each.version, "state": each.state} for stream_id, each in states.items()
        ]
        await conn.execute(_SQL.keep_streams, {"rows": jsonb(rows)})


async def _write(conn: Connection, changes: Changes) -> None:
    if changes.movements:
        rows = jsonb(first_of_each(changes.movements))
        await conn.execute(_SQL.upsert_movements, {"rows": rows})
    met = _Meetings()
    if changes.transactions:
        rows = jsonb(first_transactions(changes.transactions))
        await conn.execute(_SQL.add_transactions, {"rows": rows})
        async with conn.cursor(row_factory=class_row(ConvertibleRow)) as cursor:
            await cursor.execute(_SQL.keep_displaced, {"rows": rows, "twice": _TWICE})
            met.moved += [conversion_of(each) for each in await cursor.fetchall()]
        await conn.execute(_SQL.upsert_transactions, {"rows": rows})
        rows = jsonb(changes.transactions)
        await conn.execute(_SQL.keep_transactions, {"rows": rows, "twice": _TWICE})
    await _meet(conn, changes, met)
    if met.moved:
        gone = {
            "positions": [each.position for each in met.moved],
            "numbers": [each.number for each in met.moved],
        }
        await conn.execute(_SQL.remove_entries, gone)
    entries = [*changes.entries, *met.entries]
    if entries or met.moved:
        rows, removed = jsonb(entries), jsonb(met.moved)
        await conn.execute(_SQL.insert_entries, {"rows": rows})
        sums = {"rows": rows, "removed": removed}
        await conn.execute(_SQL.add_to_merchant_days, sums)
        if met.moved:
            await conn.execute(_SQL.drop_empty_merchant_days, {"removed": removed})
        await conn.execute(_SQL.add_to_quarters, sums)
        await conn.execute(_SQL.add_to_days, sums)
    if met.moved:
        emptied = {"days": sorted({each.at for each in met.moved})}
        await conn.execute(_SQL.drop_empty_quarters, emptied)
        await conn.execute(_SQL.drop_empty_days, emptied)


@dataclass(kw_only=True, slots=True)
class _Meetings:
    """Entries that need both a payment's event and Stripe's row, and those that are no more, or in another place."""

    entries: list[EntryRow] = field(default_factory=list)
    moved: list[EntryRow] = field(default_factory=list)


async def _meet(conn: Connection, changes: Changes, met: _Meetings) -> None:
    """Post what needs both sides: under the locks of the rows, so that each is posted once."""
    touched = {(each.source_id, each.category) for each in changes.movements}
    touched |= {(each.source_id, each.category) for each in changes.transactions}
    own = [key for key in touched if key[1] in OWN_CATEGORIES]
    if not own:
        return
    keys = _keys(own)
    met.entries += [fee_of(each) for each in await _waiting(conn, _SQL.post_fees, keys)]
    disputes = [key for key in own if key[1] in TWICE_CATEGORIES]
    if disputes:
        await _second_rows(conn, _keys(disputes), met)
    await _place_awaited(conn, keys, met)
    met.entries += await _conversions(conn, own)
    await conn.execute(_SQL.drop_posted, {**keys, "twice": _TWICE})


async def _second_rows(conn: Connection, keys: Mapping[str, list[str]], met: _Meetings) -> None:
    async with conn.cursor(row_factory=class_row(SecondRow)) as cursor:
        await cursor.execute(_SQL.put_matching_row_first, keys)
        for each in await cursor.fetchall():
            met.moved += second_row_of(each)
        await cursor.execute(_SQL.second_rows, keys)
        found = await cursor.fetchall()
    if not found:
        return
    await conn.execute(_SQL.turn_second_rows, {"transaction_ids": [each.transaction_id for each in found]})
    for each in found:
        (met.moved if each.posted else met.entries).extend(second_row_of(each))


async def _place_awaited(conn: Connection, keys: Mapping[str, list[str]], met: _Meetings) -> None:
    """Post refunds that were pending, with the first event in the log that says that the money has moved.

    Of the two topics, either may be behind: then one is posted already, and stands with the later event.
    """
    async with conn.cursor(row_factory=class_row(AwaitedRow)) as cursor:
        await cursor.execute(_SQL.awaited, keys)
        found = await cursor.fetchall()
    if not found:
        return
    await conn.execute(_SQL.place_awaited, _keys([(each.source_id, each.category) for each in found]))
    for each in found:
        met.entries += awaited_of(each, each.new_position, each.new_at)
        if each.entry_position is not None:
            met.moved += awaited_of(each, each.entry_position, each.at)


async def _waiting(conn: Connection, query: LiteralString, keys: Mapping[str, list[str]]) -> list[WaitingRow]:
    async with conn.cursor(row_factory=class_row(WaitingRow)) as cursor:
        await cursor.execute(query, keys)
        return await cursor.fetchall()


async def _conversions(conn: Connection, own: Sequence[tuple[str, str]]) -> list[EntryRow]:
    async with conn.cursor(row_factory=class_row(ConvertibleRow)) as cursor:
        await cursor.execute(_SQL.convertible, {**_keys(own), "own": sorted(OWN_CATEGORIES)})
        found = await cursor.fetchall()
    if found:
        await conn.execute(_SQL.mark_converted, _keys([(each.source_id, each.category) for each in found]))
    return [conversion_of(each) for each in found]


def _keys(keys: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    return {"source_ids": [source_id for source_id, _ in keys], "categories": [category for _, category in keys]}
