"""Creates the declared topics on the stack's broker; the embedded one forgets them whenever it ends."""

from infra.embedded.connections import TOPICS
from infra.process.declared import topic_declarations


async def create_topics(kafka_bootstrap_servers: str) -> int:
    """Create the topics that are missing; return how many."""
    from infra.kafka.topics import create_topics as create  # noqa: PLC0415 - half a second to import
    from infra.settings.kafka import KafkaSettings  # noqa: PLC0415 - the same

    partitions, replication = int(TOPICS["KAFKA_TOPIC_PARTITIONS"]), int(TOPICS["KAFKA_REPLICATION_FACTOR"])
    # Not read from the environment: a cluster of the user's, or how to log in to it, has no place here.
    settings = KafkaSettings.model_construct(
        kafka_bootstrap_servers=kafka_bootstrap_servers,
        kafka_topic_partitions=partitions,
        kafka_replication_factor=replication,
    )
    return len(await create(settings, topic_declarations(partitions, replication)))
