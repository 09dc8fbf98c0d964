"""A log with events of every projection, a projector without a broker, and rebuilds beside it."""

import random
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import psycopg
from aiokafka import TopicPartition

from domain.ids import EventId, PaymentId, PayoutId, SplitPaymentId
from domain.reconciliation.events import (
    ReconciliationCompleted,
    ReconciliationFailed,
    ReconciliationRequested,
    ReconciliationStarted,
)
from domain.reconciliation.run import run_id_of
from domain.split_payment.decide import decide
from domain.split_payment.events import SplitPaymentRequested
from domain.stripe_balance import PayoutStatus
from event_store.appends import Append, Appended
from event_store.privacy.vault import AnyVault
from event_store.store import Connection, append
from event_store.tail import Tail
from infra.postgres.pool import Pool
from projections.audit.diff import row_differences
from projections.projection import Projection
from projections.rebuild.builds import claimed
from projections.rebuild.rebuilding import Rebuilding
from projections.rebuild.targets import Source
from projections.registry import PROJECTIONS
from projections.runner import projecting, topics_of
from projections.scratch import TABLES
from schemas.cloudevents import Delivered
from schemas.envelope import NO_MERCHANT
from schemas.events import RECONCILIATION_CODEC, SPLIT_PAYMENT_CODEC
from schemas.topics import partition_of, topic_of
from tests.support.balance_events import a_payout, a_row
from tests.support.database import Database
from tests.support.log_entries import MERCHANT, metadata
from tests.support.payment_histories import random_history
from tests.support.read_model import store, store_balance
from tests.unit.domain.split_payment.worlds import a_split_request

PARTITIONS = 3


async def store_payments(app: Connection, rng: random.Random, count: int = 20) -> list[PaymentId]:
    """Append random payments whose events interleave."""
    ids = [PaymentId(uuid.UUID(int=rng.getrandbits(128), version=4)) for _ in range(count)]
    await store(app, [(each, random_history(rng, payment_id=each, steps=12)) for each in ids], rng=rng)
    return ids


async def store_all_kinds(app: Connection, rng: random.Random, count: int = 20) -> list[PaymentId]:
    """Append events of every projection."""
    ids = await store_payments(app, rng, count)
    names = [f"txn_{rng.getrandbits(40)}" for _ in range(5)]
    await store_balance(app, *(a_row(name, reporting_category="topup", source_id=name) for name in names))
    payout = PayoutId(f"po_{rng.getrandbits(40)}")
    for status in (PayoutStatus.IN_TRANSIT, PayoutStatus.PAID):
        await store_balance(app, a_payout(status, payout_id=payout))
    (requested,) = decide(None, a_split_request(2))
    assert isinstance(requested, SplitPaymentRequested)
    split = replace(requested, split_payment_id=SplitPaymentId(uuid.UUID(int=rng.getrandbits(128), version=4)))
    await _store_stream(app, split.split_payment_id, "split-payment", [SPLIT_PAYMENT_CODEC.encode(split, **_new())])
    day = date(2026, 1, 1) + timedelta(days=rng.randrange(3000))
    run = run_id_of(day, "UTC")
    events = (
        ReconciliationRequested(run_id=run, number=1, date=day, time_zone="UTC", origin="api", actor="api:f"),
        ReconciliationStarted(run_id=run, number=1, attempt=1, head=3),
        ReconciliationFailed(run_id=run, number=1, attempt=1, reason="Stripe is away", final=False),
        ReconciliationStarted(run_id=run, number=1, attempt=2, head=5),
        ReconciliationCompleted(run_id=run, number=1, date=day, totals=()),
    )
    await _store_stream(app, run, "reconciliation", [RECONCILIATION_CODEC.encode(each, **_new()) for each in events])
    return ids


def _new() -> dict[str, Any]:
    return {"event_id": EventId(uuid.uuid4()), "metadata": metadata()}


async def _store_stream(app: Connection, stream_id: uuid.UUID, category: str, events: Sequence[Any]) -> None:
    merchant = MERCHANT if category == "split-payment" else NO_MERCHANT
    request = Append(
        stream_id=stream_id, category=category, merchant_id=merchant, expected_version=0, events=tuple(events)
    )
    (result,) = await append(app, [request])
    assert isinstance(result, Appended)
    await app.commit()


class LogProjector:
    """Projects the log as the projector does, in the order in which the relay publishes."""

    def __init__(self, pool: Pool, reader: Connection, projections: Sequence[Projection[Any]] = PROJECTIONS) -> None:
        """`reader`: in autocommit, of a role that may read the log as the relay does."""
        self._pool = pool
        self._reader = reader
        self._apply = projecting(pool, projections)
        self._topics = topics_of(projections)
        self._tail = Tail()
        self._last: dict[TopicPartition, int] = {}

    def with_projections(self, projections: Sequence[Projection[Any]]) -> "LogProjector":
        """Return one that goes on from here with other projections, as another release does."""
        other = LogProjector(self._pool, self._reader, projections)
        other._tail, other._last = self._tail, self._last
        return other

    async def advance(self, limit: int = 500) -> int:
        """Apply the next events; return how many there were."""
        events = await self._tail.read(self._reader, limit)
        batches: dict[TopicPartition, list[Delivered]] = {}
        for event in events:
            if (topic := topic_of(event.category)) in self._topics:
                place = TopicPartition(topic, partition_of(event.stream_id, PARTITIONS))
                message = Delivered(event=event, previous_position=self._last.get(place, 0))
                batches.setdefault(place, []).append(message)
                self._last[place] = event.position
        if batches:
            for result in (await self._apply.apply_together(batches)).values():
                assert result.gap is None
        return len(events)

    async def catch_up(self) -> None:
        """Apply all that there is."""
        while await self.advance():
            pass


@asynccontextmanager
async def rebuilding(
    database: Database,
    projection: str,
    *,
    size: int = 50,
    partitions: int = PARTITIONS,
    vault: AnyVault | None = None,
    **options: Any,
) -> AsyncIterator[Rebuilding]:
    """Lend a rebuild as the command has it."""
    async with (
        await psycopg.AsyncConnection.connect(database.url("owner"), autocommit=True) as conn,
        await psycopg.AsyncConnection.connect(database.url("owner"), autocommit=True) as reader,
        claimed(conn, projection),
    ):
        source = Source(projection=projection, partitions=partitions, vault=vault)
        yield Rebuilding(conn, source, actor="operator", reader=reader, size=size, **options)


async def rebuilt(database: Database, projection: str, *, forced: bool = False, reason: str | None = None) -> None:
    """Build, compare and swap."""
    async with rebuilding(database, projection) as work:
        build, comparison = await work.build()
        await work.swap(build, comparison, forced=forced, reason=reason)


async def nothing_differs(owner: Connection) -> bool:
    """Whether the read model is what a replay makes."""
    return [each async for each in row_differences(owner, partitions=PARTITIONS)] == []


async def definitions(conn: Connection) -> dict[str, list[Any]]:
    """Return all that defines the read model: its tables with what belongs to them, and its views."""
    found = {}
    for name, query in _DEFINITIONS.items():
        found[name] = await (await conn.execute(query)).fetchall()
    assert all(found.values())
    return found


_OURS = "n.nspname IN ('read_model', 'ledger')"
_OF_TABLES = "pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
_DEFINITIONS = {
    "tables": f"SELECT c.oid::regclass::text, reloptions, pg_get_userbyid(relowner), relpersistence FROM {_OF_TABLES}"
    f" WHERE {_OURS} AND relkind = 'r' ORDER BY 1",
    "columns": "SELECT c.oid::regclass::text, attname, format_type(atttypid, atttypmod), attnotnull, attstorage,"
    f" pg_get_expr(adbin, adrelid) FROM {_OF_TABLES} JOIN pg_attribute a ON a.attrelid = c.oid AND attnum > 0 AND NOT"
    f" attisdropped LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = attnum WHERE {_OURS} AND relkind = 'r'"
    " ORDER BY 1, attnum",
    # A check that was added as not valid holds for a table that began empty.
    "constraints": "SELECT conrelid::regclass::text, conname, replace(pg_get_constraintdef(k.oid), ' NOT VALID', '')"
    f" FROM {_OF_TABLES} JOIN pg_constraint k ON k.conrelid = c.oid WHERE {_OURS} ORDER BY 1, 2",
    "indexes": f"SELECT tablename, indexname, indexdef FROM pg_indexes n(nspname) WHERE {_OURS} ORDER BY 1, 2",
    "triggers": f"SELECT pg_get_triggerdef(t.oid) FROM {_OF_TABLES} JOIN pg_trigger t ON t.tgrelid = c.oid"
    f" WHERE {_OURS} ORDER BY 1",
    "rights": "SELECT c.oid::regclass::text, a.privilege_type, pg_get_userbyid(a.grantee), a.is_grantable"
    f" FROM {_OF_TABLES}, LATERAL aclexplode(c.relacl) a WHERE {_OURS} ORDER BY 1, 2, 3",
    "views": f"SELECT c.oid::regclass::text, pg_get_viewdef(c.oid), reloptions, relacl::text FROM {_OF_TABLES}"
    f" WHERE {_OURS} AND relkind = 'v' ORDER BY 1",
}


async def rows_of(conn: Connection, projection: str, schema: str = "read_model") -> dict[str, list[str]]:
    """Return all rows of a projection's tables."""
    found = {}
    for table in TABLES[projection]:
        rows = await conn.execute(f"SELECT t::text FROM {schema}.{table} t ORDER BY 1")
        found[table] = [row for (row,) in await rows.fetchall()]
    return found
