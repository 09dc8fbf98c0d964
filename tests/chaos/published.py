"""Whether log and Kafka have the same events, each once and in the order of positions."""

from collections.abc import Iterable

import psycopg

from infra.settings.kafka import KafkaSettings
from schemas.cloudevents import from_kafka
from schemas.topics import event_topics
from tests.support.brokers import on_apache
from tests.support.kafka import plain_settings, published_events, read_topic, transactional_settings
from tests.support.system import System
from tests.support.waiting import eventually


async def log_and_kafka_agree(system: System, lost: int = 0) -> None:
    """Wait until Kafka has what the log has and nothing else, and print how much that is."""
    settings = _settings(system)

    async def logged() -> set[tuple[int, str]]:
        async with await psycopg.AsyncConnection.connect(system.stack.database_url()) as connection:
            rows = await connection.execute("SELECT position, event_id::text FROM event_store.events")
            return {(position, event_id) for position, event_id in await rows.fetchall()}

    async def agree() -> bool:
        return set(await published_events(settings)) == await logged()

    await eventually(agree, within=30)
    published, log = await published_events(settings), await logged()
    twice = [each for each, times in published.items() if times > 1]
    print(  # noqa: T201 - a row of the table in docs/decisions/0017: pytest -s shows it
        f"log {len(log)}, Kafka {len(published)}, payments that were answered for and lost {lost}, "
        f"lost {len(set(published) - log)}, unpublished {len(log - set(published))}, twice {len(twice)}"
    )
    assert not (on_apache() and twice)


async def assert_in_order(system: System) -> None:
    """In every partition positions rise, each event taken where it stands for the last time.

    With transactions it stands once. Without, a batch that fails can leave a later event and not its predecessor, for
    which consumers wait (decision 2); the relay then publishes all of it again.
    """
    settings = _settings(system)
    for topic in event_topics():
        for partition, records in (await read_topic(settings, topic)).items():
            positions = _last_of_each(from_kafka(each.value, each.headers).event.position for each in records)
            assert positions == sorted(positions), f"{topic}/{partition}"


def _last_of_each(positions: Iterable[int]) -> list[int]:
    return list(dict.fromkeys(reversed(list(positions))))[::-1]


def _settings(system: System) -> KafkaSettings:
    made = transactional_settings if on_apache() else plain_settings
    partitions = int(system.stack.environment("relay").get("KAFKA_TOPIC_PARTITIONS", 12))
    return made(system.stack.kafka_bootstrap_servers, kafka_topic_partitions=partitions)
