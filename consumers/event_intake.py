"""How a consumer of ours takes events in: from Kafka, checked against the log, and what it refuses kept apart."""

from collections.abc import Sequence

from event_store.database_log import DatabaseLog
from infra.kafka.consumer.batch_consumer import BatchConsumer
from infra.kafka.consumer.checkpoints import Apply, Checkpointed
from infra.kafka.consumer.dead_letters.worker import DeadLetters
from infra.postgres.pool import Pool
from infra.process.pacing import Pacing
from infra.settings.kafka import KafkaSettings
from schemas.cloudevents import Delivered, from_kafka
from schemas.topics import dead_letter_topic


def event_intake(
    settings: KafkaSettings,
    pool: Pool,
    consumer: str,
    topics: Sequence[str],
    checkpointed: Checkpointed[Delivered],
    *,
    apply: Apply[Delivered] | None = None,
    pacing: Pacing | None = None,
) -> BatchConsumer[Delivered]:
    """Return a consumer that applies events by `checkpointed`, or by an `apply` around it.

    Register its health checks before the first await: without them a process would report that it is ready.
    """
    return BatchConsumer[Delivered](
        settings,
        topics=topics,
        consumer=consumer,
        decode=from_kafka,
        apply=apply or checkpointed,
        log=DatabaseLog(pool),
        dead_letters=DeadLetters(checkpointed=checkpointed, topic_of=dead_letter_topic),
        pacing=pacing,
    )
