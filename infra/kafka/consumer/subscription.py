"""One FastStream batch subscriber, set up so that nothing of FastStream's handling can lose a record.

Records reach the handler raw (own parser: FastStream's own fails on a header that is not UTF-8 and loses the
record); offsets are committed by us alone; nothing is ever replied or created. docs/decisions/0027 has the reasons.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, TypeAlias

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.kafka.message import FAKE_CONSUMER, KafkaAckableMessage
from faststream.security import BaseSecurity, SASLPlaintext, SASLScram256, SASLScram512

from infra.kafka.aiokafka_patches.delayed_fetches import delay_fetches
from infra.kafka.aiokafka_patches.fetch_wait import set_fetch_max_wait
from infra.kafka.aiokafka_patches.long_polls import lengthen_polls
from infra.kafka.aiokafka_patches.stopping import disconnect_consumer, leave_rebalancing_group, stop_client
from infra.kafka.cell_clients import CellConsumer
from infra.kafka.clients import fetch_config
from infra.kafka.consumer.fetch_timing import FetchTiming
from infra.kafka.names import KafkaNames
from infra.kafka.publications import PUBLICATIONS
from infra.kafka.security import security_options
from infra.settings.kafka import KafkaSettings

Record: TypeAlias = ConsumerRecord[bytes | None, bytes | None]
Handler = Callable[[Sequence[Record]], Awaitable[None]]
OnAssigned = Callable[[set[TopicPartition] | None], None]

# FastStream sleeps this long after an empty poll, which lasts a second.
_AFTER_EMPTY_POLL_MS = 10
# How soon a topic that was missing, or that has new partitions, is noticed.
_METADATA_MAX_AGE_MS = 5_000
_JOIN_MARGIN_MS = 5_000
_CLOSE_S = 0.2
_LOGINS = {"PLAIN": SASLPlaintext, "SCRAM-SHA-256": SASLScram256, "SCRAM-SHA-512": SASLScram512}


class _Quiet(logging.Filter):
    """Drops FastStream's advice to create topics: that is somebody else's work, on purpose."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not record.getMessage().startswith("Auto create topics is disabled")


_log = logging.getLogger("paystream.faststream")
_log.addFilter(_Quiet())


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]
    """Coroutines, though they wait for nothing: FastStream calls plain functions in another thread, beside the loop.

    There they would come late as well: aiokafka delivers the first records of an assignment as soon as it is free to.
    """

    def __init__(self, on_assigned: OnAssigned) -> None:
        self._on_assigned = on_assigned
        self.is_stable = False

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        self.is_stable = False
        if revoked:
            self._on_assigned(None)

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        self.is_stable = True
        self._on_assigned(assigned)


class Subscription:
    """A member of a consumer group; start it once, stop it once, then make a new one."""

    def __init__(
        self,
        settings: KafkaSettings,
        *,
        topics: Sequence[str],
        group_id: str,
        max_records: int,
        drain_s: float,
        handler: Handler,
        on_assigned: OnAssigned,
    ) -> None:
        """`on_assigned` gets the new partitions, or None when they are taken away.

        `drain_s`: how long `stop` lets a batch in hand finish.
        """
        fetch = fetch_config(settings)
        self._names = KafkaNames.of(settings)
        self._fetch_max_wait_ms = settings.kafka_fetch_max_wait_ms
        self._fetch_idle_wait_ms = max(settings.kafka_fetch_idle_wait_ms, settings.kafka_fetch_max_wait_ms)
        self._fetch_after_publish = settings.kafka_fetch_after_publish
        self._is_idle = False
        self._listener = _Listener(on_assigned)
        self._broker = KafkaBroker(
            settings.kafka_bootstrap_servers.split(","),
            security=_security(settings),
            metadata_max_age_ms=_METADATA_MAX_AGE_MS,
            # The group's answer to "join" comes when all members have joined: given up earlier, we would come
            # back as one more member, and the group would never become stable.
            request_timeout_ms=max(settings.kafka_request_timeout_ms, fetch["rebalance_timeout_ms"] + _JOIN_MARGIN_MS),
            consumer_only=True,
            allow_auto_create_topics=False,
            client_id="paystream",
            graceful_timeout=drain_s,
            apply_types=False,
            parser=_parse,
            decoder=_decode,
            logger=_log,
            log_level=logging.DEBUG,
        )
        self._subscriber = self._broker.subscriber(
            *topics,
            batch=True,
            group_id=self._names.owned(group_id),
            ack_policy=AckPolicy.MANUAL,
            no_reply=True,
            batch_timeout_ms=_AFTER_EMPTY_POLL_MS,
            max_records=max_records,
            listener=self._listener,
            **fetch,
        )
        self._subscriber(handler)

    @property
    def consumer(self) -> AIOKafkaConsumer:
        """The aiokafka consumer. Raises RuntimeError before `start` and after `stop`."""
        consumer = self._subscriber.consumer
        if consumer is None:
            raise RuntimeError("the subscription is not running")
        return consumer

    @property
    def assignment(self) -> frozenset[TopicPartition]:
        """The partitions that are ours now; none while not running."""
        consumer = self._subscriber.consumer
        return frozenset() if consumer is None else frozenset(consumer.assignment())

    @property
    def is_consuming(self) -> bool:
        """Whether the task that polls Kafka is alive."""
        return any(not task.done() for task in self._subscriber.tasks)

    def set_idle(self, *, is_idle: bool) -> None:
        """Wait longer for the next records, or as long as usual: what is idle should cost next to nothing."""
        consumer = self._subscriber.consumer
        if is_idle == self._is_idle or consumer is None:
            return
        self._is_idle = is_idle
        set_fetch_max_wait(consumer, self._fetch_idle_wait_ms if is_idle else self._fetch_max_wait_ms)

    async def start(self, timeout_s: float) -> None:
        """Connect and join the group. Raises KafkaError or TimeoutError."""
        async with asyncio.timeout(timeout_s):
            if not self._names.are_as_declared:
                await self._broker.connect()  # which makes the builder
                config = self._broker.config.broker_config
                assert isinstance(config.builder, partial)
                config.builder = partial(CellConsumer, names=self._names, **config.builder.keywords)
            await self._broker.start()
        lengthen_polls(self.consumer)
        if self._fetch_after_publish:
            delay_fetches(self.consumer, FetchTiming(PUBLICATIONS, self._names))

    async def stop(self, timeout_s: float) -> None:
        """Let the batch in hand finish, leave the group, disconnect. Never raises, never takes longer."""
        consumer = self._subscriber.consumer
        limit_s = timeout_s - 2 * _CLOSE_S
        if consumer is not None and not self._listener.is_stable:
            started = time.monotonic()
            await stop_client(leave_rebalancing_group(consumer), timeout_s=limit_s / 2)
            limit_s -= time.monotonic() - started
        if error := await stop_client(self._broker.stop(), timeout_s=limit_s):
            _log.warning("the Kafka client did not stop cleanly: %r", error)
            if consumer is not None:
                await disconnect_consumer(consumer, timeout_s=_CLOSE_S)


def _security(settings: KafkaSettings) -> BaseSecurity | None:
    """Return the options of `infra.kafka.security` as FastStream wants them. Raises ProcessFailed as that does."""
    options = security_options(settings)
    tls = options.get("ssl_context")
    match options.get("sasl_mechanism"):
        case None:
            return None if tls is None else BaseSecurity(ssl_context=tls)
        case mechanism:
            login = _LOGINS[mechanism]
            return login(options["sasl_plain_username"], options["sasl_plain_password"], ssl_context=tls)


async def _parse(records: tuple[Record, ...]) -> KafkaAckableMessage:
    # FastStream wants a message object; nothing of it is used.
    return KafkaAckableMessage(raw_message=records, body=b"", message_id="", consumer=FAKE_CONSUMER)


async def _decode(message: KafkaAckableMessage) -> Any:
    return message.raw_message
