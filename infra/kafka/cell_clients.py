"""aiokafka's clients for a cluster that cells share: they take and give topics by the names that are declared.

Without a cell they are aiokafka's own. What stays as Kafka knows it: whatever reaches into a client's internals
(`infra.kafka.aiokafka_patches`, the futures of a producer), and what an administrator does (`infra.kafka.topics`).
"""
# ruff: noqa: D102 - the methods do what aiokafka's do

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from aiokafka.producer.message_accumulator import BatchBuilder

from infra.kafka.clients import consumer_config, producer_config
from infra.kafka.names import KafkaNames
from infra.settings.kafka import KafkaSettings


def new_consumer(settings: KafkaSettings, *, client_id: str = "paystream", **options: Any) -> AIOKafkaConsumer:
    """Return a consumer of no group, not started, that knows topics by their declared names."""
    names, options = KafkaNames.of(settings), consumer_config(settings, client_id=client_id) | options
    return AIOKafkaConsumer(**options) if names.are_as_declared else CellConsumer(names=names, **options)


def new_producer(
    settings: KafkaSettings, *, client_id: str = "paystream", transactional_id: str | None = None, **options: Any
) -> AIOKafkaProducer:
    """Return a producer, not started, that knows topics, and itself, by their declared names."""
    names = KafkaNames.of(settings)
    owned = None if transactional_id is None else names.owned(transactional_id)
    options = producer_config(settings, client_id=client_id, transactional_id=owned) | options
    return AIOKafkaProducer(**options) if names.are_as_declared else CellProducer(names=names, **options)


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]
    """Passes on what partitions are revoked and assigned, by their declared names."""

    def __init__(self, listener: ConsumerRebalanceListener, names: KafkaNames) -> None:
        self._listener = listener
        self._names = names

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        await self._listener.on_partitions_revoked(set(map(self._names.declared_place, revoked)))

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        await self._listener.on_partitions_assigned(set(map(self._names.declared_place, assigned)))


class CellConsumer(AIOKafkaConsumer):  # type: ignore[misc]
    """A consumer that is told of topics, and tells of them, by their declared names."""

    def __init__(self, *, names: KafkaNames, **options: Any) -> None:
        self._names = names
        super().__init__(**options)

    def subscribe(
        self,
        topics: Collection[str] = (),
        pattern: str | None = None,
        listener: ConsumerRebalanceListener | None = None,
    ) -> None:
        if pattern is not None:
            raise ValueError("a pattern would match the topics of other cells")
        translating = None if listener is None else _Listener(listener, self._names)
        super().subscribe(topics=[self._names.topic(each) for each in topics], listener=translating)

    def subscription(self) -> frozenset[str]:
        return frozenset(map(self._names.declared_topic, super().subscription()))

    def assign(self, partitions: Iterable[TopicPartition]) -> None:
        super().assign([self._names.place(each) for each in partitions])

    def assignment(self) -> set[TopicPartition]:
        return self._declared(super().assignment())

    async def topics(self) -> set[str]:
        found: set[str] = set()
        for topic in await super().topics():
            try:
                found.add(self._names.declared_topic(topic))
            except ValueError:
                continue  # somebody else's
        return found

    def partitions_for_topic(self, topic: str) -> set[int] | None:
        return super().partitions_for_topic(self._names.topic(topic))  # type: ignore[no-any-return]

    async def commit(self, offsets: Mapping[TopicPartition, Any] | None = None) -> None:
        await super().commit(None if offsets is None else {self._names.place(each): at for each, at in offsets.items()})

    async def committed(self, partition: TopicPartition) -> int | None:
        return await super().committed(self._names.place(partition))  # type: ignore[no-any-return]

    async def position(self, partition: TopicPartition) -> int:
        return await super().position(self._names.place(partition))  # type: ignore[no-any-return]

    def highwater(self, partition: TopicPartition) -> int | None:
        return super().highwater(self._names.place(partition))  # type: ignore[no-any-return]

    def last_stable_offset(self, partition: TopicPartition) -> int | None:
        return super().last_stable_offset(self._names.place(partition))  # type: ignore[no-any-return]

    def last_poll_timestamp(self, partition: TopicPartition) -> int | None:
        return super().last_poll_timestamp(self._names.place(partition))  # type: ignore[no-any-return]

    def seek(self, partition: TopicPartition, offset: int) -> None:
        super().seek(self._names.place(partition), offset)

    async def seek_to_beginning(self, *partitions: TopicPartition) -> bool:
        return await super().seek_to_beginning(*map(self._names.place, partitions))  # type: ignore[no-any-return]

    async def seek_to_end(self, *partitions: TopicPartition) -> bool:
        return await super().seek_to_end(*map(self._names.place, partitions))  # type: ignore[no-any-return]

    async def seek_to_committed(self, *partitions: TopicPartition) -> Any:
        raise NotImplementedError("aiokafka asks itself for what is committed, by the names of the cluster")

    async def offsets_for_times(self, timestamps: Mapping[TopicPartition, int]) -> dict[TopicPartition, Any]:
        requested = {self._names.place(each): at for each, at in timestamps.items()}
        return self._by_declared(await super().offsets_for_times(requested))

    async def beginning_offsets(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        return self._by_declared(await super().beginning_offsets(list(map(self._names.place, partitions))))

    async def end_offsets(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        return self._by_declared(await super().end_offsets(list(map(self._names.place, partitions))))

    async def getone(self, *partitions: TopicPartition) -> ConsumerRecord:
        record = await super().getone(*map(self._names.place, partitions))
        record.topic = self._names.declared_topic(record.topic)
        return record

    async def getmany(
        self, *partitions: TopicPartition, timeout_ms: int = 0, max_records: int | None = None
    ) -> dict[TopicPartition, list[ConsumerRecord]]:
        requested = map(self._names.place, partitions)
        found = await super().getmany(*requested, timeout_ms=timeout_ms, max_records=max_records)
        records: dict[TopicPartition, list[ConsumerRecord]] = self._by_declared(found)
        for place, group in records.items():
            for record in group:
                record.topic = place.topic
        return records

    def pause(self, *partitions: TopicPartition) -> None:
        super().pause(*map(self._names.place, partitions))

    def paused(self) -> set[TopicPartition]:
        return self._declared(super().paused())

    def resume(self, *partitions: TopicPartition) -> None:
        super().resume(*map(self._names.place, partitions))

    def _declared(self, places: Iterable[TopicPartition]) -> set[TopicPartition]:
        return set(map(self._names.declared_place, places))

    def _by_declared(self, found: Mapping[TopicPartition, Any]) -> dict[TopicPartition, Any]:
        return {self._names.declared_place(place): each for place, each in found.items()}


class CellProducer(AIOKafkaProducer):  # type: ignore[misc]
    """A producer that is told of topics by their declared names; what a delivery says of its place is the cluster's."""

    def __init__(self, *, names: KafkaNames, **options: Any) -> None:
        self._names = names
        super().__init__(**options)

    async def partitions_for(self, topic: str) -> set[int]:
        return await super().partitions_for(self._names.topic(topic))  # type: ignore[no-any-return]

    async def send(self, topic: str, *values: Any, **options: Any) -> Any:
        return await super().send(self._names.topic(topic), *values, **options)

    async def send_batch(self, batch: BatchBuilder, topic: str, *, partition: int) -> Any:
        return await super().send_batch(batch, self._names.topic(topic), partition=partition)

    async def send_offsets_to_transaction(self, offsets: Mapping[TopicPartition, Any], group_id: str) -> None:
        raise NotImplementedError("what is consumed is committed with the checkpoints, in PostgreSQL")
