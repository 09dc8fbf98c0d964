"""Shows how far the consumer groups of other teams are behind: a payment that nobody ships was paid all the same.

What a group has committed is compared with where its topic ends. A group that never committed anything lacks all of it.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import structlog
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from event_store.relay import metrics
from event_store.relay.partitions import started
from infra.kafka.aiokafka_patches.stopping import stop_client
from infra.kafka.cell_clients import new_consumer
from infra.kafka.clients import admin_config
from infra.kafka.names import KafkaNames
from infra.process.trail import Trail
from infra.process.waiting import wait_for_event
from infra.settings.kafka import KafkaSettings
from schemas.topics import PAYMENT, event_topics

log = structlog.get_logger(__name__)

_EVERY_S = 30.0
_CLOSE_S = 2.0
_CLIENT_ID = "paystream-downstream"


@dataclass(frozen=True, kw_only=True, slots=True)
class DownstreamGroup:
    """A consumer group, and the topic that it is meant to follow."""

    group: str
    topic: str


def parse_groups(value: object) -> object:
    """Return the groups of a text like `shipping, books=paystream.payment`. Raises ValueError."""
    if not isinstance(value, str):
        return value
    found: list[DownstreamGroup] = []
    for part in (each.strip() for each in value.split(",")):
        if not part:
            continue
        group, _, topic = (each.strip() for each in part.partition("="))
        if not group or ("=" in part and topic not in event_topics()):
            raise ValueError(f"must be groups like shipping or shipping={PAYMENT}, with commas between")
        found.append(DownstreamGroup(group=group, topic=topic or PAYMENT))
    if len(set(found)) < len(found):
        raise ValueError("has a group twice")
    return tuple(found)


class DownstreamWatch:
    """Asks Kafka. Each relay shows the same: do not add it up."""

    def __init__(
        self, settings: KafkaSettings, groups: Collection[DownstreamGroup], *, every_s: float = _EVERY_S
    ) -> None:
        self._settings = settings
        self._names = KafkaNames.of(settings)
        self._groups = groups
        self._every_s = every_s
        self._ends: dict[TopicPartition, Trail] = {}
        self._committed: dict[DownstreamGroup, Mapping[TopicPartition, int]] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Look periodically until `stop`. While Kafka is away, the seconds go on."""
        while not stop.is_set():
            if self._groups:
                await self._look_once()
            await wait_for_event(stop, timeout_s=self._every_s)

    async def look(self) -> None:
        """Set the gauges. Raises KafkaError or OSError."""
        ends = await self._read_ends()
        for partition, end in ends.items():
            self._ends.setdefault(partition, Trail()).note(end)
        self._committed = await self._read_committed()
        self._show()

    async def _look_once(self) -> None:
        try:
            async with asyncio.timeout(3 * self._settings.kafka_request_timeout_ms / 1000):
                await self.look()
        except (KafkaError, OSError) as error:  # TimeoutError is an OSError
            log.info("downstream_groups_not_seen", error=f"{type(error).__name__}: {error}")
            self._show()
        except Exception:
            log.exception("downstream_groups_not_seen")

    async def _read_ends(self) -> Mapping[TopicPartition, int]:
        partitions = [each for topic in sorted({group.topic for group in self._groups}) for each in self._of(topic)]
        async with started(new_consumer(self._settings, client_id=_CLIENT_ID)) as consumer:
            ends: Mapping[TopicPartition, int] = await consumer.end_offsets(partitions)
        return ends

    async def _read_committed(self) -> dict[DownstreamGroup, Mapping[TopicPartition, int]]:
        admin = AIOKafkaAdminClient(**admin_config(self._settings, client_id=_CLIENT_ID))
        found: dict[DownstreamGroup, Mapping[TopicPartition, int]] = {}
        try:
            await admin.start()
            for each in self._groups:
                # By name: the embedded broker cannot be asked for all of them.
                places = [self._names.place(partition) for partition in self._of(each.topic)]
                offsets = await admin.list_consumer_group_offsets(each.group, partitions=places)
                found[each] = {self._names.declared_place(place): meta.offset for place, meta in offsets.items()}
        finally:
            await stop_client(admin.close(), timeout_s=_CLOSE_S)
        return found

    def _of(self, topic: str) -> list[TopicPartition]:
        return [TopicPartition(topic, number) for number in range(self._settings.kafka_topic_partitions)]

    def _show(self) -> None:
        for each in self._committed:
            behind = self._behind(each)
            metrics.DOWNSTREAM_LAG_EVENTS.labels(each.group, each.topic).set(sum(events for events, _ in behind))
            seconds = max((seconds for _, seconds in behind), default=0.0)
            metrics.DOWNSTREAM_LAG_SECONDS.labels(each.group, each.topic).set(seconds)

    def _behind(self, group: DownstreamGroup) -> Sequence[tuple[int, float]]:
        """Return, of each partition, how many records the group lacks, and for how long."""
        behind = []
        for partition, trail in self._ends.items():
            if partition.topic != group.topic or not trail.end:
                continue
            reached = max(0, self._committed[group].get(partition, 0))
            if self._settings.kafka_transactions and reached:
                reached += 1  # what marks the end of a transaction: nobody commits what stands behind it
            behind.append((max(0, trail.end - reached), trail.lacking_s(reached)))
        return behind
