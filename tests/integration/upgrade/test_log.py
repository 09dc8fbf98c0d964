"""The log of an older release: each event is read and folds, and the topics tell the same."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from domain.ids import DiscrepancyId, RunId
from domain.payment.evolve import fold as fold_payment
from domain.reconciliation.events import DiscrepancyOpened, ReconciliationRequested
from domain.reconciliation.run import run_id_of
from domain.stripe_balance import PayoutChanged, TransactionRecorded
from domain.stripe_balance.streams import payout_stream, transaction_stream
from event_store.reconciliation import load_discrepancies, load_run
from event_store.store import Connection
from infra.embedded.databases import is_migrated
from infra.kafka.consumer.subscription import Record
from infra.migrations.runner import head_revision
from schemas.cloudevents import from_kafka
from schemas.envelope import RecordedEvent
from schemas.errors import MalformedMessage
from schemas.events import BALANCE_CODEC, PAYMENT_CODEC, RECONCILIATION_CODEC, STRIPE_EVENT_CODEC
from schemas.events.balance_events import CATEGORY as BALANCE
from schemas.events.payment_events import CATEGORY as PAYMENT
from schemas.events.reconciliation_events import CATEGORY as RECONCILIATION
from schemas.events.stripe_events import CATEGORY as STRIPE_EVENT
from schemas.events.stripe_events import StripeEventReceived, stream_id_of
from schemas.topics import event_topics
from tests.integration.upgrade.fixture_files import Fixture
from tests.support.database import Database
from tests.support.read_model import load_log

pytestmark = [pytest.mark.integration, pytest.mark.slow]

DECODE: Mapping[str, Callable[[RecordedEvent], Any]] = {
    PAYMENT: PAYMENT_CODEC.decode,
    BALANCE: BALANCE_CODEC.decode,
    RECONCILIATION: RECONCILIATION_CODEC.decode,
    STRIPE_EVENT: STRIPE_EVENT_CODEC.decode,
}


def unread(release: Fixture) -> set[tuple[str, int, int]]:
    """Return topic, partition and offset of the records that were a dead letter of any consumer."""
    return {(each.topic, each.partition, each.offset) for each in release.manifest.dead_letters}


def place(record: Record) -> tuple[str, int, int]:
    return record.topic, record.partition, record.offset


def records(release: Fixture) -> list[Record]:
    return [each for topic in event_topics() for _, found in release.records(topic) for each in found]


async def test_the_database_comes_to_the_newest_revision(release: Fixture, database: Database) -> None:
    assert release.manifest.version == release.version
    assert release.manifest.revision <= head_revision()
    assert await is_migrated(database.url("owner"))


async def test_every_event_is_there_and_is_read_in_its_newest_version(release: Fixture, app: Connection) -> None:
    log = await load_log(app)
    assert Counter(each.category for each in log) == release.manifest.events
    for event in log:
        DECODE[event.category](event)


def stream_of(decoded: object) -> UUID | None:
    """Return the stream that such an event is put into today; None where the id is drawn, not made."""
    match decoded:
        case TransactionRecorded(transaction_id=transaction_id):
            return transaction_stream(transaction_id)
        case PayoutChanged(payout_id=payout_id):
            return payout_stream(payout_id)
        case StripeEventReceived(stripe_event_id=stripe_event_id):
            return stream_id_of(stripe_event_id)
        case ReconciliationRequested(date=day, time_zone=time_zone, report=None):
            return run_id_of(day, time_zone)
        case DiscrepancyOpened(difference=difference):
            return difference.discrepancy_id
        case _:
            return None


async def test_a_fact_that_comes_again_is_in_the_stream_where_it_was(release: Fixture, app: Connection) -> None:
    """Else it would be recorded a second time."""
    seen: Counter[type] = Counter()
    log = await load_log(app)
    assert len(log) == sum(release.manifest.events.values())
    for event in log:
        decoded = DECODE[event.category](event)
        if (expected := stream_of(decoded)) is not None:
            assert event.stream_id == expected, decoded
            seen[type(decoded)] += 1
    assert seen.keys() == {
        TransactionRecorded,
        PayoutChanged,
        StripeEventReceived,
        ReconciliationRequested,
        DiscrepancyOpened,
    }


async def test_a_replay_of_every_payment_comes_to_what_was_shown(release: Fixture, app: Connection) -> None:
    streams: defaultdict[UUID, list[RecordedEvent]] = defaultdict(list)
    for event in await load_log(app):
        if event.category == PAYMENT:
            streams[event.stream_id].append(event)

    assert {str(each) for each in streams} == set(release.manifest.payments.values())
    for payment_id, events in streams.items():
        shown = release.answers[f"/payments/{payment_id}"]
        state = fold_payment(PAYMENT_CODEC.decode(event) for event in events)
        assert state is not None
        assert {
            "status": state.status,
            "version": len(events),
            "amount_cents": state.amount.amount_cents,
            "currency": state.amount.currency,
            "amount_captured_cents": state.amount_captured.amount_cents,
            "amount_refunded_cents": state.amount_refunded.amount_cents,
            "stripe_payment_intent_id": state.intent_id,
            "refunds": [each.status for each in state.refunds.values()],
        }.items() <= (shown | {"refunds": [each["status"] for each in shown["refunds"]]}).items()


async def test_a_replay_of_the_reconciliation_comes_to_what_was_shown(release: Fixture, app: Connection) -> None:
    shown = {each["id"]: each for each in release.answers["/reconciliations"]}
    assert release.manifest.reconciled["id"] in shown
    for run_id, run in shown.items():
        state = await load_run(app, RunId(UUID(run_id)))
        assert state is not None
        assert state.completed is not None
        assert (state.number, state.completed.found) == (run["number"], run["found"])

    statuses = {each["id"]: each["status"] for each in release.answers["/discrepancies"]}
    found = await load_discrepancies(app, [DiscrepancyId(UUID(each)) for each in statuses])
    assert {str(each): one.state and one.state.status.value for each, one in found.items()} == statuses
    assert set(statuses.values()) == {"open", "explained", "resolved"}


async def test_the_topics_hold_the_log_as_it_is_loaded(release: Fixture, app: Connection) -> None:
    published: dict[int, RecordedEvent] = {}
    for each in records(release):
        if place(each) not in unread(release):
            event = from_kafka(each.value, each.headers).event
            published[event.position] = event

    log = {each.position: each for each in await load_log(app)}
    assert published.keys() == log.keys()
    for position, event in published.items():
        stored = log[position]
        assert replace(event, data=b"") == replace(stored, data=b"")
        assert DECODE[event.category](event) == DECODE[event.category](stored)


def test_what_no_consumer_could_read_still_cannot_be_read(release: Fixture) -> None:
    assert unread(release)
    for each in records(release):
        if place(each) in unread(release):
            with pytest.raises(MalformedMessage):
                from_kafka(each.value, each.headers)
