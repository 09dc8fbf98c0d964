"""Sessions on real Kafka, stopped at the worst moment: what was in flight is there once, or not at all."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from aiokafka.errors import ProducerFenced

from event_store.relay.producer import Limits
from event_store.relay.progress_topic import ProgressLost
from event_store.relay.session import EndReportedTooLow, Session, TopicWentBack
from event_store.relay.shard import Shard
from event_store.store import Connection
from infra.embedded.apache_kafka.cluster import KafkaCluster
from infra.kafka.topics import create_topics
from infra.settings.kafka import KafkaSettings
from schemas.envelope import RecordedEvent
from schemas.topics import PAYMENT, declarations, partition_of
from tests.integration.event_store.relay.kafka_logs import append_payments, published_positions
from tests.support.database import Database
from tests.support.kafka import delete_topics, fresh_topics, transactional_settings
from tests.support.log_entries import OPEN_LOG

pytestmark = [pytest.mark.integration, pytest.mark.apache_kafka]

ALL = Shard(index=0, count=1)
EVEN, ODD = Shard(index=0, count=2), Shard(index=1, count=2)


@pytest.fixture
async def kafka(apache_cluster: KafkaCluster) -> KafkaSettings:
    # What is held back in a test must not be given up meanwhile, however busy the machine is.
    settings = transactional_settings(apache_cluster.address, kafka_request_timeout_ms=20_000)
    await recreate_topics(settings)
    return settings


@pytest.fixture
async def log(database: Database, app: Connection) -> Sequence[RecordedEvent]:
    """Forty events, in every partition some, always the same."""
    return await append_payments(database, app, 20)


class Cut(Exception):
    """Ends a session before it has noted what it published."""


async def publish_and_cut(settings: KafkaSettings, events: Sequence[RecordedEvent]) -> None:
    """Publish as the first in the topic, and do not note it."""
    async with Session.open(settings, ALL, OPEN_LOG) as session:
        assert session.position == 0
        await session.publish(events, events[-1].position)
        raise Cut


class HeldCommit:
    """Holds a producer back right before it commits, and right after."""

    def __init__(self, session: Session) -> None:
        self.reached, self.open = asyncio.Event(), asyncio.Event()
        self.committed, self.answer = asyncio.Event(), asyncio.Event()
        self.answer.set()
        self._commit = session._producer.commit_transaction
        session._producer.commit_transaction = self._hold

    async def _hold(self) -> None:
        self.reached.set()
        await self.open.wait()
        await self._commit()
        self.committed.set()
        await self.answer.wait()


@asynccontextmanager
async def stuck_before_commit(
    settings: KafkaSettings, shard: Shard, events: Sequence[RecordedEvent]
) -> AsyncIterator[tuple[HeldCommit, "asyncio.Task[list[RecordedEvent]]"]]:
    """Open a session that has delivered the events and is about to commit them."""
    async with Session.open(settings, shard, OPEN_LOG) as session:
        commit = HeldCommit(session)
        publishing = asyncio.create_task(session.publish(events, events[-1].position))
        async with asyncio.timeout(30):
            await commit.reached.wait()
        yield commit, publishing


async def recreate_topics(settings: KafkaSettings) -> None:
    """Delete every topic, that of the progress too, and make them anew."""
    await fresh_topics(settings)
    await create_topics(settings, declarations(settings.kafka_topic_partitions, 1))


async def recreate_topic(settings: KafkaSettings, name: str) -> None:
    """Delete one topic and make it anew."""
    await delete_topics(settings, [name])
    await create_topics(settings, declarations(settings.kafka_topic_partitions, 1))


@pytest.mark.parametrize("successors", [[ALL], [EVEN, ODD]], ids=["same-shard", "other-layout"])
async def test_a_successor_fences_what_was_about_to_be_committed(
    kafka: KafkaSettings, log: Sequence[RecordedEvent], successors: list[Shard]
) -> None:
    async with stuck_before_commit(kafka, ALL, log) as (commit, publishing):
        for shard in successors:
            async with Session.open(kafka, shard, OPEN_LOG, [ALL]) as successor:
                assert successor.position == 0
                await successor.publish(log, 40)
        commit.open.set()
        with pytest.raises(ProducerFenced):
            await publishing
    assert await published_positions(kafka) == [event.position for event in log]


async def test_a_successor_knows_what_was_committed_without_an_answer(
    kafka: KafkaSettings, log: Sequence[RecordedEvent]
) -> None:
    async with stuck_before_commit(kafka, ALL, log[:20]) as (commit, publishing):
        commit.answer.clear()
        commit.open.set()
        async with asyncio.timeout(30):
            await commit.committed.wait()
        publishing.cancel()
        async with Session.open(kafka, ALL, OPEN_LOG) as successor:
            assert successor.position == 20
            await successor.publish(log, 40)
    assert await published_positions(kafka) == [event.position for event in log]


async def test_a_successor_settles_a_commit_that_was_under_way(
    kafka: KafkaSettings, log: Sequence[RecordedEvent]
) -> None:
    """Committed or aborted, as it happens: what counts is that the progress and the events say the same."""
    async with stuck_before_commit(kafka, ALL, log[:20]) as (commit, publishing):
        commit.open.set()
        await asyncio.sleep(0)
        publishing.cancel()
        async with Session.open(kafka, ALL, OPEN_LOG) as successor:
            assert await published_positions(kafka) == [event.position for event in log[: successor.position]]
            await successor.publish(log, 40)
    assert await published_positions(kafka) == [event.position for event in log]


async def test_another_layout_is_found_in_the_progress_topic_and_fenced(
    kafka: KafkaSettings, log: Sequence[RecordedEvent]
) -> None:
    """Also when nobody names it: PostgreSQL was restored, say."""
    async with Session.open(kafka, ALL, OPEN_LOG) as first:
        await first.publish(log[:10], 10)
    async with stuck_before_commit(kafka, ALL, log[10:]) as (commit, publishing):
        for shard in (EVEN, ODD):
            async with Session.open(kafka, shard, OPEN_LOG) as successor:
                assert successor.position == 10
                await successor.publish(log[10:], 40)
        commit.open.set()
        with pytest.raises(ProducerFenced):
            await publishing
    assert await published_positions(kafka) == [event.position for event in log]


async def test_an_open_transaction_of_another_shard_hides_no_progress(
    kafka: KafkaSettings, log: Sequence[RecordedEvent]
) -> None:
    async with (
        Session.open(kafka, EVEN, OPEN_LOG) as even,
        stuck_before_commit(kafka, ODD, log) as (commit, publishing),
    ):
        await even.publish(log, 40)
        await even.check_topics()

        async def reopened() -> int:
            async with Session.open(kafka, EVEN, OPEN_LOG) as again:
                return again.position

        opening = asyncio.create_task(reopened())
        await asyncio.wait({opening}, timeout=1)
        assert not opening.done(), "the record stands behind the open transaction"
        commit.open.set()
        await publishing
        assert await opening == 40
    assert await published_positions(kafka) == [event.position for event in log]


@pytest.mark.parametrize("before", [30, 4])
async def test_a_topic_that_lost_its_content_is_noticed_before_the_commit(
    kafka: KafkaSettings, log: Sequence[RecordedEvent], before: int
) -> None:
    """Also when it ends beyond the old offsets by then: with what was delivered and aborted (4 before, 36 after)."""
    async with Session.open(kafka, ALL, OPEN_LOG) as session:
        await session.publish(log[:before], before)
        await recreate_topic(kafka, PAYMENT)
        with pytest.raises(TopicWentBack):
            await session.publish(log[before:], 40)
    async with Session.open(kafka, ALL, OPEN_LOG) as again:
        assert again.position == 0
        await again.publish(log, 40)
    assert await published_positions(kafka) == [event.position for event in log]


async def test_a_topic_is_filled_again_although_that_was_aborted_before(
    kafka: KafkaSettings, log: Sequence[RecordedEvent]
) -> None:
    """Each attempt delivers all of it and commits nothing: the topic grows far beyond where it ended before."""
    async with Session.open(kafka, ALL, OPEN_LOG) as session:
        await session.publish(log[:4], 4)
    await recreate_topic(kafka, PAYMENT)
    for _ in range(3):
        async with stuck_before_commit(kafka, ALL, log) as (_, publishing):
            publishing.cancel()
    async with Session.open(kafka, ALL, OPEN_LOG) as again:
        assert again.position == 0
        await again.publish(log, 40)
    assert await published_positions(kafka) == [event.position for event in log]


async def test_without_transactions_a_refill_that_was_cut_short_is_done_again(
    kafka: KafkaSettings, log: Sequence[RecordedEvent]
) -> None:
    """What was repeated makes the topic longer than it was, before it is whole."""
    plain = kafka.model_copy(update={"kafka_transactions": False})
    async with Session.open(plain, ALL, OPEN_LOG) as session:
        await session.publish(log[:4], 4)
        await session.publish(log[4:], 40)
    await recreate_topic(plain, PAYMENT)
    for _ in range(3):
        with pytest.raises(Cut):
            await publish_and_cut(plain, log[:4])
    async with Session.open(plain, ALL, OPEN_LOG) as again:
        assert again.position == 0
        await again.publish(log, 40)
    assert set(await published_positions(plain)) == {event.position for event in log}


async def test_content_that_was_only_said_to_be_lost_is_not_published_again(
    kafka: KafkaSettings, log: Sequence[RecordedEvent], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A broker that was cut off can tell an old end."""
    async with Session.open(kafka, ALL, OPEN_LOG) as session:
        await session.publish(log, 40)
    with monkeypatch.context() as patched:
        patched.setattr("event_store.relay.progress_topic.end_offsets", _no_content)
        async with Session.open(kafka, ALL, OPEN_LOG) as misled:
            assert misled.position == 0
            with pytest.raises(EndReportedTooLow):
                await misled.publish(log, 40)
    async with Session.open(kafka, ALL, OPEN_LOG) as again:
        assert again.position == 40
    assert await published_positions(kafka) == [event.position for event in log]


async def test_content_only_reported_lost_is_remembered_between_sessions(
    kafka: KafkaSettings, log: Sequence[RecordedEvent], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the misled one committed of other partitions must not make the next one forget what this one holds."""
    last = partition_of(log[-1].stream_id, kafka.kafka_topic_partitions)
    others = [event for event in log if partition_of(event.stream_id, kafka.kafka_topic_partitions) != last]
    async with Session.open(kafka, ALL, OPEN_LOG) as session:
        await session.publish([event for event in log if event not in others], 40)
    with monkeypatch.context() as patched:
        patched.setattr("event_store.relay.progress_topic.end_offsets", _no_content)
        async with Session.open(kafka, ALL, OPEN_LOG) as misled:
            await misled.publish(others, 39)
            await misled.publish([], 39)  # nothing for this shard: noted by itself
        async with Session.open(kafka, ALL, OPEN_LOG) as misled_again:
            with pytest.raises(EndReportedTooLow):
                await misled_again.publish(log, 40)
    async with Session.open(kafka, ALL, OPEN_LOG) as again:
        await again.publish(log, 40)
    assert await published_positions(kafka) == [event.position for event in log]


async def test_without_its_progress_nothing_is_published_a_second_time(
    kafka: KafkaSettings, log: Sequence[RecordedEvent], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Session.open(kafka, ALL, OPEN_LOG) as session:
        await session.publish(log, 40)
    monkeypatch.setattr("event_store.relay.session.read_records", _no_records)
    with pytest.raises(ProgressLost):
        async with Session.open(kafka, ALL, OPEN_LOG):
            pytest.fail("it opened")


async def test_what_is_left_of_aborted_transactions_is_no_content(
    kafka: KafkaSettings, log: Sequence[RecordedEvent]
) -> None:
    async with stuck_before_commit(kafka, ALL, log) as (_, publishing):
        publishing.cancel()
    async with Session.open(kafka, ALL, OPEN_LOG) as session:
        assert session.position == 0
        await session.publish(log, 40)
    assert await published_positions(kafka) == [event.position for event in log]


def test_a_transaction_is_given_up_by_the_relay_before_kafka_does(kafka: KafkaSettings) -> None:
    limits = Limits(kafka)
    assert limits.publish_s < limits.transaction_ms / 1000 < limits.open_s


async def _no_content(_: object, places: Sequence[object]) -> dict[object, int]:
    return dict.fromkeys(places, 0)


async def _no_records(*_: object) -> list[object]:
    return []
