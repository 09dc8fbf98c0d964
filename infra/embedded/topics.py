"""Creates the declared topics on the stack's broker; the embedded one forgets them whenever it ends."""

from infra.process.declared import topic_declarations

_REPLICATION_FACTOR = 1


async def create_topics(kafka_bootstrap_servers: str, *, partitions: int) -> int:
    """Create the topics that are missing; return how many."""
    from infra.kafka.topics import create_topics as create  # noqa: PLC0415 - half a second to import
    from infra.settings.kafka import KafkaSettings  # noqa: PLC0415 - the same

    # Not read from the environment: a cluster of the user's, or how to log in to it, has no place here.
    settings = KafkaSettings.model_construct(
        kafka_bootstrap_servers=kafka_bootstrap_servers,
        kafka_topic_partitions=partitions,
        kafka_replication_factor=_REPLICATION_FACTOR,
    )
    return len(await create(settings, topic_declarations(partitions, _REPLICATION_FACTOR)))
