"""The invariants of money, over the whole log: each event is read once, stream by stream, in constant memory.

They repeat what the deciders and the database hold to. A violation says that the log was changed, or that a decider is
wrong; nothing here mends it.
"""

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from psycopg.rows import class_row

from domain.errors import DomainError
from domain.ids import EventId, MerchantId
from domain.payment.events import (
    PaymentAuthorized,
    PaymentCancelRequested,
    PaymentCaptureRequested,
    PaymentConfirmationRequested,
    PaymentEvent,
    PaymentIntentCreated,
    PaymentRequested,
    PaymentSucceeded,
    RefundFound,
    RefundRequested,
)
from domain.payment.state import PaymentState
from domain.payment.values import RefundStatus
from event_store.archive.archives import have_left, read_archives
from event_store.payments import PAYMENT
from event_store.store import load_many
from infra.postgres.pool import Connection
from infra.postgres.queries import Queries
from projections.audit.split_payments import broken_splits
from schemas.envelope import RecordedEvent
from schemas.errors import SchemaError
from schemas.events import (
    ACCESS_CODEC,
    BALANCE_CODEC,
    RECONCILIATION_CODEC,
    SPLIT_PAYMENT_CODEC,
    STRIPE_EVENT_CODEC,
    WEBHOOK_ENDPOINT_CODEC,
)
from schemas.topics import PAYMENT as PAYMENT_TOPIC
from schemas.topics import partition_of

_SQL = Queries.load(Path(__file__).with_name("audit.sql"))
_CHUNK = 500
_FIRST = UUID(int=0)
_OTHER_CODECS: Mapping[str, Any] = {
    "stripe-balance": BALANCE_CODEC,
    "reconciliation": RECONCILIATION_CODEC,
    "stripe-event": STRIPE_EVENT_CODEC,
    "split-payment": SPLIT_PAYMENT_CODEC,
    "access": ACCESS_CODEC,
    "webhook-endpoint": WEBHOOK_ENDPOINT_CODEC,
}

INVARIANTS: Mapping[str, str] = {
    "stream_whole": "a stream has the events that it says, numbered from 1 without a gap, at rising positions",
    "one_owner": "all events of a stream are of its merchant and its category",
    "readable": "an event can be read",
    "possible_order": "a payment's events are in an order that a decision can have made",
    "refunded_within_captured": "refunded and pending refunds are no more than what was captured *",
    "captured_within_authorized": "no more is captured than was authorized, and no more authorized than was asked for",
    "one_charge": "a payment is charged once, by one intent *",
    "end_is_final": "a payment that has ended keeps its status *",
    "request_has_task": "each call that was asked for has a task, or has ended",
    "split_all_or_nothing": "of a split payment that has ended, every leg was captured, or none has money",
    "ledger_level": "debits and credits of an entry are equal in each currency",
    "ledger_days_right": "a day's sums are those of its lines",
}
"""By name, in words. *: until an operator accepts what Stripe says against it; from then on Stripe's word counts."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Violation:
    """An invariant that does not hold: of which stream, at which position, where that is known."""

    invariant: str
    stream_id: UUID | None
    position: int | None
    detail: str


@dataclass(kw_only=True, slots=True)
class Checked:
    """What was looked at so far."""

    events: int = 0
    streams: int = 0
    archived: int = 0
    """Streams that were not looked at: their events have left the log."""
    violations: int = 0


class _Stream(NamedTuple):
    stream_id: UUID
    category: str
    merchant_id: MerchantId
    version: int
    first_position: int | None
    last_position: int | None


@dataclass(slots=True)
class _Requests:
    """Calls that payments wait for, whose tasks are looked up together."""

    event_ids: dict[EventId, RecordedEvent] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class _GatewayProgress:
    """How far the gateway has come in each partition. What is behind that has no task yet."""

    partitions: int
    positions: Mapping[int, int]

    def has_passed(self, event: RecordedEvent) -> bool:
        return event.position <= self.positions.get(partition_of(event.stream_id, self.partitions), 0)


async def violations(
    conn: Connection,
    *,
    partitions: int,
    checked: Checked,
    grace: timedelta = timedelta(minutes=1),
    chunk: int = _CHUNK,
) -> AsyncIterator[Violation]:
    """Give what is violated. `partitions`: of the topic of payments. `checked` counts meanwhile.

    A call that was asked for within `grace` may have no task yet. `conn` is in autocommit. Raises psycopg.Error.
    """
    gateway = await _gateway_progress(conn, partitions)
    before = datetime.now(UTC) - grace
    async for every in _streams(conn, chunk):
        loaded = await load_many(conn, [stream.stream_id for stream in every])
        archives = await read_archives(conn)  # afterwards: what has left meanwhile is not missing
        streams = [each for each in every if not have_left(archives, each.last_position or 0, each.category)]
        checked.archived += len(every) - len(streams)
        requests = _Requests()
        for stream in streams:
            events = loaded[stream.stream_id]
            checked.streams += 1
            checked.events += len(events)
            for found in _of_stream(stream, events, requests):
                checked.violations += 1
                yield found
        open_requests = {
            event_id: event
            for event_id, event in requests.event_ids.items()
            if event.recorded_at < before and gateway.has_passed(event)
        }
        async for found in _without_task(conn, open_requests):
            checked.violations += 1
            yield found
        splits = {each.stream_id: loaded[each.stream_id] for each in streams if each.category == "split-payment"}
        async for stream_id, position, detail in broken_splits(conn, splits, before=before):
            checked.violations += 1
            yield Violation(invariant="split_all_or_nothing", stream_id=stream_id, position=position, detail=detail)
    for query, of_row in _OF_TABLES:
        for row in await (await conn.execute(_SQL[query], {"limit": chunk})).fetchall():
            checked.violations += 1
            yield of_row(row)


def _of_stream(stream: _Stream, events: Sequence[RecordedEvent], requests: _Requests) -> Iterator[Violation]:
    def violated(invariant: str, detail: str, event: RecordedEvent | None = None) -> Violation:
        position = None if event is None else event.position
        return Violation(invariant=invariant, stream_id=stream.stream_id, position=position, detail=detail)

    yield from _numbering(stream, events, violated)
    for event in events:
        if event.category != stream.category or event.metadata.merchant_id != stream.merchant_id:
            yield violated("one_owner", f"is of {event.category} and {event.metadata.merchant_id}", event)
    if stream.category == "payment":
        yield from _of_payment(events, violated, requests)
    elif codec := _OTHER_CODECS.get(stream.category):
        for event in events:
            try:
                codec.decode(event)
            except SchemaError as error:
                yield violated("readable", str(error), event)


_Violated = Callable[..., Violation]


def _numbering(stream: _Stream, events: Sequence[RecordedEvent], violated: _Violated) -> Iterator[Violation]:
    position = 0
    for number, event in enumerate(events, 1):
        if event.version != number:
            yield violated("stream_whole", f"event {number} has the number {event.version}", event)
            return
        if event.position <= position:
            yield violated("stream_whole", f"event {number} stands before the one before it", event)
        position = event.position
    if len(events) != stream.version:
        yield violated("stream_whole", f"it says that it has {stream.version} events, and has {len(events)}")
    elif (stream.first_position or events[0].position, stream.last_position or position) != (
        events[0].position,
        position,
    ):
        yield violated("stream_whole", "its events are not at the positions that it says")


@dataclass(slots=True)
class _Charges:
    """What a payment's events say was charged."""

    intents: set[str] = field(default_factory=set)
    charges: set[str] = field(default_factory=set)
    successes: int = 0
    has_foreign_refund: bool = False
    """A refund was made at Stripe, not by us."""

    def add(self, event: PaymentEvent) -> None:
        match event:
            case PaymentIntentCreated():
                self.intents.add(event.intent_id)
            case PaymentAuthorized():
                self.charges.add(event.charge_id)
            case PaymentSucceeded():
                self.charges.add(event.charge_id)
                self.successes += 1
            case RefundFound():
                self.has_foreign_refund = True
            case _:
                pass

    def counts(self) -> Mapping[str, int]:
        return {"intents": len(self.intents), "charges": len(self.charges), "successes": self.successes}


def _of_payment(events: Sequence[RecordedEvent], violated: _Violated, requests: _Requests) -> Iterator[Violation]:
    state: PaymentState | None = None
    charges = _Charges()
    decoded: list[tuple[RecordedEvent, PaymentEvent]] = []
    for recorded in events:
        try:
            event = PAYMENT.codec.decode(recorded)
        except SchemaError as error:
            yield violated("readable", str(error), recorded)
            return
        decoded.append((recorded, event))
        before = state
        try:
            state = PAYMENT.evolve(state, event)
        except (DomainError, ArithmeticError, ValueError) as error:
            yield violated("possible_order", str(error), recorded)
            return
        charges.add(event)
        if before is not None and before.is_terminal and state.status is not before.status and not _is_overruled(state):
            yield violated("end_is_final", f"{before.status.value} became {state.status.value}", recorded)
        yield from _of_amounts(state, recorded, violated, found_at_stripe=charges.has_foreign_refund)
    for what, count in charges.counts().items():
        if count > 1 and not _is_overruled(state):
            yield violated("one_charge", f"it has {count} {what}")
    if state is not None:
        requests.event_ids |= {recorded.event_id: recorded for recorded in _open_requests(state, decoded)}


def _is_overruled(state: PaymentState | None) -> bool:
    """Whether an operator has accepted what Stripe said against what is recorded."""
    return state is not None and any(each.accepted for each in state.contradictions.values())


def _of_amounts(
    state: PaymentState, recorded: RecordedEvent, violated: _Violated, *, found_at_stripe: bool
) -> Iterator[Violation]:
    try:
        known, all_of_them = state.amount_refunded_at_stripe, state.amount_refunded + state.amount_refund_pending
        refunded = known if found_at_stripe else all_of_them
        if refunded > state.amount_captured and not _is_overruled(state):
            yield violated("refunded_within_captured", f"{refunded} of {state.amount_captured}", recorded)
        if state.amount_captured > state.amount_authorized or state.amount_authorized > state.amount:
            detail = f"{state.amount_captured} captured, {state.amount_authorized} authorized, of {state.amount}"
            yield violated("captured_within_authorized", detail, recorded)
    except (DomainError, ArithmeticError, ValueError) as error:  # amounts in two currencies
        yield violated("possible_order", str(error), recorded)


def _open_requests(
    state: PaymentState, decoded: Iterable[tuple[RecordedEvent, PaymentEvent]]
) -> Iterator[RecordedEvent]:
    """Give the events that asked Stripe for something whose outcome is open."""
    for recorded, event in decoded:
        match event:
            case PaymentRequested():
                is_open = state.intent_id is None and not state.is_terminal
            case PaymentConfirmationRequested():
                is_open = state.confirmation_requested and not state.is_terminal
            case PaymentCaptureRequested():
                is_open = state.capture_requested is not None and state.capture_requested.request_id == event.request_id
            case PaymentCancelRequested():
                is_open = state.cancel_requested is not None and state.cancel_requested.request_id == event.request_id
            case RefundRequested():
                refund = state.refunds[event.refund_id]
                is_open = refund.status is RefundStatus.PENDING and refund.stripe_refund_id is None
            case _:
                is_open = False
        if is_open and recorded.event_id not in state.tasks_given_up:
            yield recorded


async def _without_task(conn: Connection, open_requests: Mapping[EventId, RecordedEvent]) -> AsyncIterator[Violation]:
    if not open_requests:
        return
    rows = await (await conn.execute(_SQL.requests_without_task, {"event_ids": list(open_requests)})).fetchall()
    for (event_id,) in rows:
        event = open_requests[event_id]
        yield Violation(
            invariant="request_has_task",
            stream_id=event.stream_id,
            position=event.position,
            detail=f"{event.type} is open, the gateway has passed it, and there is no task",
        )


async def _gateway_progress(conn: Connection, partitions: int) -> _GatewayProgress:
    rows = await (await conn.execute(_SQL.gateway_positions, {"topic": PAYMENT_TOPIC})).fetchall()
    return _GatewayProgress(partitions=partitions, positions=dict(rows))


async def _streams(conn: Connection, size: int) -> AsyncIterator[Sequence[_Stream]]:
    after = _FIRST
    while True:
        async with conn.cursor(row_factory=class_row(_Stream)) as cursor:
            await cursor.execute(_SQL.streams_after, {"after": after, "limit": size})
            found = await cursor.fetchall()
        if not found:
            return
        yield found
        after = found[-1].stream_id


def _unknown_stream(row: tuple[Any, ...]) -> Violation:
    detail = "it has events, and is not in the table of streams"
    return Violation(invariant="stream_whole", stream_id=row[0], position=None, detail=detail)


def _unbalanced(row: tuple[Any, ...]) -> Violation:
    position, currency, amount = row
    return Violation(
        invariant="ledger_level",
        stream_id=None,
        position=position,
        detail=f"debits exceed credits by {amount} {currency}",
    )


def _wrong_day(row: tuple[Any, ...]) -> Violation:
    day, account, currency, says, lines, *merchant = row
    of_whom = f" of {merchant[0]}" if merchant else ""
    detail = f"{day}, {account}{of_whom}: it says {says} {currency}, and its lines come to {lines}"
    return Violation(invariant="ledger_days_right", stream_id=None, position=None, detail=detail)


_OF_TABLES: Sequence[tuple[str, Callable[[tuple[Any, ...]], Violation]]] = (
    ("streams_without_events", _unknown_stream),
    ("unbalanced_entries", _unbalanced),
    ("wrong_days", _wrong_day),
    ("wrong_merchant_days", _wrong_day),
)
