from pathlib import Path

import pytest

from infra.doctor.finding import Finding, Status
from infra.doctor.kafka.cluster import cluster_finding, replication_finding, transactions_finding
from infra.doctor.kafka.security import security_finding
from infra.doctor.kafka.topics import topic_findings
from infra.kafka.topic_check import Comparison
from tests.unit.infra.doctor.deployments import kafka_settings

SASL = {
    "kafka_security_protocol": "SASL_SSL",
    "kafka_sasl_mechanism": "SCRAM-SHA-512",
    "kafka_sasl_username": "pay",
    "kafka_sasl_password": "kafka-password",
}


@pytest.mark.parametrize(
    ("settings", "status"),
    [
        ({}, Status.OK),
        ({"app_env": "production"}, Status.WARNING),
        ({"app_env": "production", "kafka_bootstrap_servers": "127.0.0.1:9092,localhost:9093"}, Status.OK),
        ({"app_env": "production", **SASL}, Status.OK),
        ({"app_env": "production", **SASL, "kafka_security_protocol": "SASL_PLAINTEXT"}, Status.WARNING),
    ],
)
def test_production_does_not_speak_in_the_clear(settings: dict[str, object], status: Status) -> None:
    found = security_finding(kafka_settings(**settings))
    assert found.status is status
    assert "kafka-password" not in str(found)


def test_files_of_tls_that_cannot_be_used_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    settings = kafka_settings(kafka_security_protocol="SSL", kafka_ssl_ca_file=tmp_path / "ca.pem")
    found = security_finding(settings)
    assert found.status is Status.ERROR
    assert "KAFKA_SSL_CA_FILE" in found.detail


def test_there_are_brokers_for_every_replica() -> None:
    one, three = ["a:9092"], ["a:9092", "b:9092", "c:9092"]
    settings = kafka_settings(kafka_replication_factor=3)
    assert cluster_finding(three, settings).status is Status.OK
    found = cluster_finding(one, settings)
    assert found.status is Status.ERROR
    assert found.remedy is not None
    assert "KAFKA_REPLICATION_FACTOR=1" in found.remedy


@pytest.mark.parametrize(
    ("environment", "replicas", "status"),
    [("development", 1, Status.OK), ("production", 3, Status.OK), ("production", 2, Status.WARNING)],
)
def test_production_holds_records_three_times(environment: str, replicas: int, status: Status) -> None:
    settings = kafka_settings(app_env=environment, kafka_replication_factor=replicas)
    assert replication_finding(settings).status is status


@pytest.mark.parametrize(
    ("transactions", "obstacle", "environment", "status"),
    [
        (True, None, "production", Status.OK),
        (True, "no answer within 4 s", "development", Status.ERROR),
        (False, None, "development", Status.OK),
        (False, None, "production", Status.WARNING),
    ],
)
def test_transactions_can_begin_where_they_are_wanted(
    transactions: bool, obstacle: str | None, environment: str, status: Status
) -> None:
    settings = kafka_settings(kafka_transactions=transactions, app_env=environment)
    found = transactions_finding(obstacle, settings)
    assert found.status is status
    assert obstacle is None or obstacle in found.detail


def compared(actual: str | None, setting: str = "partitions") -> Comparison:
    return Comparison(topic="paystream.payment", setting=setting, declared="12", actual=actual)


def found(*comparisons: Comparison, missing: tuple[str, ...] = ()) -> list[Finding]:
    return list(topic_findings(comparisons, missing, "kafka:9092"))


def test_topics_as_declared_are_fine_and_what_is_not_told_is_said() -> None:
    (fine,) = found(compared("12"))
    (untold,) = found(compared("12"), compared(None, "retention.ms"))
    assert (fine.status, fine.detail) == (Status.OK, "1 are there, as declared")
    assert (untold.status, "1 settings were not compared" in untold.detail) == (Status.OK, True)


def test_a_difference_is_an_error_with_what_mends_it() -> None:
    (different,) = found(compared("24"))
    assert (different.subject, different.status) == ("paystream.payment", Status.ERROR)
    assert different.detail == "partitions 24 instead of 12"
    assert different.remedy is not None
    assert "KAFKA_TOPIC_PARTITIONS=24" in different.remedy


def test_what_is_missing_is_named_once() -> None:
    (missing,) = found(missing=("paystream.payment", "paystream.relay-progress"))
    assert (missing.status, missing.detail) == (Status.ERROR, "missing: paystream.payment, paystream.relay-progress")
    assert missing.remedy is not None
    assert missing.remedy.startswith("paystream topics create")
