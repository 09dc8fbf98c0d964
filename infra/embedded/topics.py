"""Creates the declared topics on the embedded broker, which forgets them whenever it ends."""

from infra.declared import topic_declarations
from infra.embedded.connections import KAFKA


async def create_topics(kafka_bootstrap_servers: str) -> int:
    """Create the topics that are missing; return how many."""
    from infra.kafka.topics import create_topics as create  # noqa: PLC0415 - half a second to import
    from infra.settings import KafkaSettings  # noqa: PLC0415 - the same

    partitions, replication = int(KAFKA["KAFKA_TOPIC_PARTITIONS"]), int(KAFKA["KAFKA_REPLICATION_FACTOR"])
    settings = KafkaSettings(
        kafka_bootstrap_servers=kafka_bootstrap_servers,
        kafka_topic_partitions=partitions,
        kafka_replication_factor=replication,
    )
    return len(await create(settings, topic_declarations(partitions, replication)))
