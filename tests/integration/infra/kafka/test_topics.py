"""Topics are created as declared, verified before they are used, and refused when they are otherwise."""

import asyncio
import contextlib
import json
from dataclasses import replace
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError

from infra.embedded.apache_kafka.cluster import KafkaCluster
from infra.embedded.ports import free_port
from infra.kafka.clients import admin_config, consumer_config, producer_config
from infra.kafka.topic_state import read_states
from infra.kafka.topics import (
    KafkaUnavailable,
    TopicNotCreated,
    TopicsMismatch,
    TopicsMissing,
    compare_topics,
    create_topics,
    describe_topics,
    require_topics,
    verify_topics,
)
from infra.settings.kafka import KafkaSettings
from schemas.topics import PAYMENT, RELAY_PROGRESS, TopicDeclaration, declarations
from tests.support.brokers import LentBroker
from tests.support.database import Database
from tests.support.kafka import fresh_topics, three_brokers, transactional_settings
from tests.support.paystream_command import paystream
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

DECLARED = declarations(4, 1)


@pytest.fixture
def kafka(lent_broker: LentBroker) -> KafkaSettings:
    return lent_broker.settings()


@pytest.fixture
async def apache(apache_cluster: KafkaCluster) -> KafkaSettings:
    settings = transactional_settings(apache_cluster.address)
    await fresh_topics(settings)
    return settings


def declared(topic: str, replicas: int = 1) -> TopicDeclaration:
    return next(each for each in declarations(4, replicas) if each.name == topic)


def chosen(settings: KafkaSettings) -> dict[str, object]:
    """Return what was not left at its default."""
    return settings.model_dump(exclude_unset=True)


async def alter(settings: KafkaSettings, topic: str, config: dict[str, str]) -> None:
    """Set exactly these settings of a topic, as an operator could."""
    admin = AIOKafkaAdminClient(**admin_config(settings))
    await admin.start()
    await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, configs=config)])

    await eventually(lambda: read_states(admin, [topic]), lambda states: config.items() <= states[topic].config.items())
    await admin.close()


async def test_topics_are_created_once_and_are_as_declared(kafka: KafkaSettings) -> None:
    first, *others = DECLARED
    assert await create_topics(kafka, [first]) == (first.name,)
    assert await create_topics(kafka, DECLARED) == tuple(topic.name for topic in others)
    assert await create_topics(kafka, DECLARED) == ()

    assert await describe_topics(kafka) == {topic.name: topic.partitions for topic in DECLARED}
    await verify_topics(kafka, DECLARED)


async def test_every_declared_setting_is_compared(kafka: KafkaSettings) -> None:
    await create_topics(kafka, DECLARED)

    compared, missing = await compare_topics(kafka, DECLARED)

    assert missing == []
    assert len(compared) == sum(2 + len(topic.config) for topic in DECLARED)
    assert [each for each in compared if each.actual is None or each.differs] == []


async def test_a_topic_with_other_partitions_is_refused(kafka: KafkaSettings) -> None:
    await create_topics(kafka, DECLARED)
    others = kafka.model_copy(update={"kafka_topic_partitions": 24})

    for attempt in (
        create_topics(others, declarations(24, 1)),
        verify_topics(others, declarations(24, 1)),
        require_topics(others, [PAYMENT]),
    ):
        with pytest.raises(TopicsMismatch, match=r"paystream\.payment has partitions 4 instead of 24[.;]"):
            await attempt


async def test_missing_topics_are_named(kafka: KafkaSettings) -> None:
    await create_topics(kafka, [declared(PAYMENT)])

    with pytest.raises(TopicsMissing, match=r"^topics are missing: another, paystream\.relay-progress$"):
        await require_topics(kafka, [PAYMENT, RELAY_PROGRESS, "another"])
    assert list(await describe_topics(kafka)) == [PAYMENT]


@pytest.mark.apache_kafka
async def test_a_topic_that_the_cluster_cannot_hold_is_not_created(apache: KafkaSettings) -> None:
    with pytest.raises(TopicNotCreated, match=r"topic paystream\.payment was not created: .*replicat"):
        await create_topics(apache, [declared(PAYMENT, replicas=3)])


async def test_a_cluster_that_is_away_is_unavailable() -> None:
    address = f"127.0.0.1:{free_port()}"
    settings = KafkaSettings(kafka_bootstrap_servers=address, kafka_request_timeout_ms=2000)

    with pytest.raises(KafkaUnavailable, match=rf"^cannot connect: {address} cannot be reached \(.+\)$"):
        await create_topics(settings, DECLARED)


async def test_asking_for_a_topic_does_not_create_it(kafka: KafkaSettings) -> None:
    plain = kafka.model_copy(update={"kafka_transactions": False})
    producer = AIOKafkaProducer(**producer_config(plain))
    consumer = AIOKafkaConsumer("requested.topic", **consumer_config(plain))
    await producer.start()
    with contextlib.suppress(KafkaError, TimeoutError):
        async with asyncio.timeout(3):
            await consumer.start()
    with pytest.raises((KafkaError, TimeoutError)):
        async with asyncio.timeout(3):
            await producer.send_and_wait("sent.to", b"x")
    await consumer.stop()
    await producer.stop()

    assert await describe_topics(kafka) == {}


@pytest.mark.parametrize("process", ["relay", "projector"])
async def test_a_process_refuses_to_start_on_a_topic_that_is_not_as_declared(
    process: str, kafka: KafkaSettings, database: Database, tmp_path: Path
) -> None:
    await create_topics(kafka, [replace(declared(PAYMENT), partitions=3)])

    ended = await paystream(
        process,
        cwd=tmp_path,
        settings=chosen(kafka) | {"database_url": database.url(process)},
    )

    assert (ended.code, ended.errors) == (1, "")
    (failed,) = [line for line in map(json.loads, ended.output.splitlines()) if line["event"] == "process_failed"]
    assert failed["error"] == (
        "topics are not as declared: paystream.payment has partitions 3 instead of 4. "
        "`paystream topics verify` says what to do"
    )
    assert "exception" not in failed


async def test_the_command_creates_and_verifies(kafka: KafkaSettings, tmp_path: Path) -> None:
    environment = chosen(kafka)

    before = await paystream("topics", "verify", cwd=tmp_path, settings=environment)
    created = await paystream("topics", "create", cwd=tmp_path, settings=environment)
    after = await paystream("topics", "verify", cwd=tmp_path, settings=environment)

    assert before.code == 1
    assert f"{len(DECLARED)} topics are missing. Create them: paystream topics create" in before.output
    assert created.code == 0
    assert (after.code, after.errors) == (0, "")
    rows = [line.split() for line in after.output.splitlines()]
    assert ["paystream.payment", "partitions", "4", "4"] in rows
    assert ["paystream.relay-progress", "cleanup.policy", "compact", "compact"] in rows
    assert after.output.endswith(f"{len(DECLARED)} topics are as declared.\n")


@pytest.mark.apache_kafka
async def test_every_difference_is_shown_with_what_mends_it(apache: KafkaSettings, tmp_path: Path) -> None:
    await create_topics(apache, DECLARED)
    await alter(apache, PAYMENT, {"retention.ms": "604800000", "retention.bytes": "-1", "cleanup.policy": "delete"})
    await alter(apache, RELAY_PROGRESS, {"cleanup.policy": "delete"})

    with pytest.raises(
        TopicsMismatch, match=r"payment has retention\.ms 604800000 instead of -1; paystream\.relay-pro"
    ):
        await create_topics(apache, DECLARED)
    shown = await paystream("topics", "verify", cwd=tmp_path, settings=chosen(apache))

    assert shown.code == 1
    rows = [line.split() for line in shown.output.splitlines()]
    assert ["paystream.payment", "retention.ms", "-1", "604800000", "DIFFERS"] in rows
    assert ["paystream.relay-progress", "cleanup.policy", "compact", "delete", "DIFFERS"] in rows
    server = apache.kafka_bootstrap_servers
    assert (
        f"    kafka-configs.sh --bootstrap-server {server} --alter --entity-type topics "
        "--entity-name paystream.payment --add-config retention.ms=-1\n"
    ) in shown.output

    for topic in DECLARED:
        await alter(apache, topic.name, topic.config)

    assert (await paystream("topics", "verify", cwd=tmp_path, settings=chosen(apache))).code == 0


@pytest.mark.apache_kafka
async def test_too_few_replicas_are_refused_and_a_lost_broker_is_no_such_case(tmp_path: Path) -> None:
    async with three_brokers(tmp_path / "kafka") as cluster:
        settings = transactional_settings(cluster.address, kafka_replication_factor=3)
        payment = declared(PAYMENT, replicas=3)
        await create_topics(settings, [payment, replace(declared(RELAY_PROGRESS, replicas=3), replication_factor=1)])

        cluster.nodes[0].kill()

        await require_topics(settings, [PAYMENT])
        compared, _ = await compare_topics(settings, [payment])
        assert {each.setting: each.actual for each in compared}["min.insync.replicas"] == "2"
        with pytest.raises(TopicsMismatch, match="relay-progress has replication factor 1 instead of 3"):
            await require_topics(settings, [RELAY_PROGRESS])
