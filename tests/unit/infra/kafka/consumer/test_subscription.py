"""What FastStream would do with a record beyond handing it over, and must not."""

from collections.abc import Sequence
from typing import Any

import pytest
from aiokafka import TopicPartition
from faststream.kafka.message import FAKE_CONSUMER, KafkaAckableMessage

from infra.kafka.clients import connection_config
from infra.kafka.consumer import subscription
from infra.kafka.consumer.subscription import Record, Subscription
from infra.settings.kafka import KafkaSettings
from tests.unit.infra.kafka.records import a_record

LOGIN = {"kafka_sasl_mechanism": "PLAIN", "kafka_sasl_username": "reader", "kafka_sasl_password": "open sesame"}


class Producer:
    """Notes what it is asked to publish."""

    def __init__(self) -> None:
        self.published: list[Any] = []

    async def publish(self, command: Any) -> None:
        self.published.append(command)


async def test_a_record_that_asks_for_a_reply_gets_none(monkeypatch: pytest.MonkeyPatch) -> None:
    handled: list[Record] = []

    async def parse(records: tuple[Record, ...]) -> KafkaAckableMessage:
        """As FastStream's own parser does, and ours does not: a second guard, out of the way here."""
        reply_to = dict(records[0].headers)["reply_to"].decode()
        return KafkaAckableMessage(
            raw_message=records, body=b"", message_id="", consumer=FAKE_CONSUMER, reply_to=reply_to
        )

    async def handle(records: Sequence[Record]) -> None:
        handled.extend(records)

    monkeypatch.setattr(subscription, "_parse", parse)
    member = Subscription(
        KafkaSettings(kafka_bootstrap_servers="127.0.0.1:1"),
        topics=["t"],
        group_id="g",
        max_records=1,
        drain_s=1,
        handler=handle,
        on_assigned=lambda _: None,
    )
    producer = Producer()
    member._broker.config.broker_config.producer = producer  # type: ignore[assignment]
    member._broker._setup_logger()
    member._subscriber._build_fastdepends_model()
    record = a_record(TopicPartition("t", 0), headers=(("reply_to", b"answers"),))
    await member._subscriber.process_message((record,))
    assert handled == [record]
    assert producer.published == []


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"kafka_bootstrap_servers": "one:9092,two:9092"},
        {"kafka_security_protocol": "SSL"},
        {"kafka_security_protocol": "SASL_SSL", **LOGIN},
        {"kafka_security_protocol": "SASL_PLAINTEXT", **LOGIN},
        {"kafka_security_protocol": "SASL_SSL", **LOGIN, "kafka_sasl_mechanism": "SCRAM-SHA-256"},
        {"kafka_security_protocol": "SASL_SSL", **LOGIN, "kafka_sasl_mechanism": "SCRAM-SHA-512"},
    ],
)
def test_its_consumer_connects_like_every_other_client(changes: dict[str, Any]) -> None:
    settings = KafkaSettings(**{"kafka_bootstrap_servers": "127.0.0.1:1", **changes})

    async def handle(records: Sequence[Record]) -> None:
        del records

    member = Subscription(
        settings, topics=["t"], group_id="g", max_records=1, drain_s=1, handler=handle, on_assigned=lambda _: None
    )
    expected = connection_config(settings)
    options = member._broker.config.broker_config.builder.keywords  # type: ignore[attr-defined]
    assert options["bootstrap_servers"] == expected.pop("bootstrap_servers").split(",")
    assert (options.get("ssl_context") is None) == (expected.pop("ssl_context", None) is None)
    assert options["request_timeout_ms"] >= expected.pop("request_timeout_ms")
    assert {name: options.get(name) for name in expected} == expected
    assert options.get("security_protocol", "PLAINTEXT") == settings.kafka_security_protocol
