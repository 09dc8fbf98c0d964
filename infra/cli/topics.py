"""`paystream topics create`."""

import asyncio
import sys

from infra.declared import topic_declarations
from infra.errors import InfraError
from infra.kafka.topics import create_topics
from infra.settings import KafkaSettings, load_settings


def run_topics_create() -> int:
    """Create the missing topics and say which; return the exit code."""
    settings = load_settings(KafkaSettings)
    declarations = topic_declarations(settings.kafka_topic_partitions, settings.kafka_replication_factor)
    try:
        created = asyncio.run(create_topics(settings, declarations))
    except InfraError as error:
        print(f"paystream: {error}", file=sys.stderr)
        return 1
    for name in created:
        print(f"created {name}")
    print(f"{len(declarations)} topics are there, {len(created)} of them new.")
    return 0
