import inspect
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient

from infra.kafka.clients import admin_config, consumer_config, producer_config
from infra.settings.kafka import KafkaSettings


def settings(*, transactions: bool = True) -> KafkaSettings:
    return KafkaSettings(kafka_bootstrap_servers="broker:9092", kafka_transactions=transactions)


def names(client: type) -> set[str]:
    return set(inspect.signature(client).parameters)


def test_every_option_is_one_that_aiokafka_has() -> None:
    configs: list[tuple[type, dict[str, Any]]] = [
        (AIOKafkaProducer, producer_config(settings(), transactional_id="relay-0")),
        (AIOKafkaConsumer, consumer_config(settings(), group_id="gateway")),
        (AIOKafkaAdminClient, admin_config(settings())),
    ]
    for client, config in configs:
        assert set(config) <= names(client)
        assert config["bootstrap_servers"] == "broker:9092"
        assert config["request_timeout_ms"] == 10_000


def test_a_producer_waits_for_all_replicas_and_is_idempotent() -> None:
    config = producer_config(settings(), transactional_id="relay-0")

    assert (config["acks"], config["enable_idempotence"], config["transactional_id"]) == ("all", True, "relay-0")


def test_without_transactions_a_producer_is_not_even_idempotent() -> None:
    config = producer_config(settings(transactions=False), transactional_id="relay-0")

    assert config["acks"] == "all"
    assert config["enable_idempotence"] is False
    assert "transactional_id" not in config


def test_a_consumer_starts_at_the_beginning_and_reads_only_committed_data() -> None:
    config = consumer_config(settings(), group_id="gateway")

    assert config["auto_offset_reset"] == "earliest"
    assert config["enable_auto_commit"] is False
    assert config["isolation_level"] == "read_committed"
    assert config["rebalance_timeout_ms"] > config["session_timeout_ms"]
