import inspect
import logging
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.protocol.admin import SaslAuthenticateRequest

from infra.errors import WrongSetting
from infra.kafka.clients import admin_config, consumer_config, producer_config
from infra.kafka.security import security_options
from infra.settings.kafka import KafkaSettings
from infra.settings.loading import load_settings

SECRET = "hunter2-very-secret"
LOGIN = {"kafka_sasl_mechanism": "SCRAM-SHA-512", "kafka_sasl_username": "relay", "kafka_sasl_password": SECRET}


def settings(**values: object) -> KafkaSettings:
    return KafkaSettings.model_validate({"kafka_bootstrap_servers": "broker:9092", **values})


@pytest.fixture
def pem(tmp_path: Path) -> Path:
    file = tmp_path / "some.pem"
    file.write_text("not a certificate")
    return file


def test_plain_text_needs_nothing() -> None:
    assert security_options(settings()) == {}


def test_every_client_gets_the_login_and_tls() -> None:
    over_tls = settings(kafka_security_protocol="SASL_SSL", **LOGIN)

    clients: list[tuple[type, dict[str, Any]]] = [
        (AIOKafkaProducer, producer_config(over_tls)),
        (AIOKafkaConsumer, consumer_config(over_tls)),
        (AIOKafkaAdminClient, admin_config(over_tls)),
    ]
    for client, config in clients:
        assert set(config) <= set(inspect.signature(client).parameters)
        assert config["security_protocol"] == "SASL_SSL"
        assert config["sasl_mechanism"] == "SCRAM-SHA-512"
        assert (config["sasl_plain_username"], config["sasl_plain_password"]) == ("relay", SECRET)
        assert config["ssl_context"].check_hostname is True


def test_a_login_without_tls_has_no_tls() -> None:
    options = security_options(settings(kafka_security_protocol="SASL_PLAINTEXT", **LOGIN))

    assert options["security_protocol"] == "SASL_PLAINTEXT"
    assert "ssl_context" not in options


def test_an_unusable_file_names_its_variable(pem: Path) -> None:
    with pytest.raises(WrongSetting, match=f"KAFKA_SSL_CA_FILE: no certificate can be read from {pem}"):
        security_options(settings(kafka_security_protocol="SSL", kafka_ssl_ca_file=pem))

    pair = {"kafka_ssl_cert_file": pem, "kafka_ssl_key_file": pem, "kafka_ssl_key_password": SECRET}
    with pytest.raises(WrongSetting, match=r"KAFKA_SSL_KEY_FILE .* with KAFKA_SSL_KEY_PASSWORD") as failed:
        security_options(settings(kafka_security_protocol="SSL", **pair))
    assert SECRET not in str(failed.value)


def test_what_is_sent_to_log_in_stays_out_of_the_logs(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "aiokafka.conn"):
        log = logging.getLogger("aiokafka.conn")
        request = SaslAuthenticateRequest(b"\0relay\0" + SECRET.encode()).prepare({36: (0, 1)})
        log.debug("Request to %s:%d %d: %s", "broker", 9092, 1, request)
        log.debug("Request to %s:%d %d: %s", "broker", 9092, 2, "another")

    assert SECRET in repr(request)
    assert [record.getMessage() for record in caplog.records] == ["Request to broker:9092 2: another"]


@pytest.mark.parametrize(
    ("environment", "line"),
    [
        ({"KAFKA_SECURITY_PROTOCOL": "TLS"}, "KAFKA_SECURITY_PROTOCOL: input should be 'PLAINTEXT', 'SSL'"),
        (
            {"KAFKA_SASL_PASSWORD": SECRET},
            "KAFKA_SASL_PASSWORD: is of no use with KAFKA_SECURITY_PROTOCOL=PLAINTEXT",
        ),
        (
            {"KAFKA_SECURITY_PROTOCOL": "SASL_SSL", "KAFKA_SASL_MECHANISM": "PLAIN", "KAFKA_SASL_USERNAME": "relay"},
            "KAFKA_SASL_PASSWORD: must be set when KAFKA_SECURITY_PROTOCOL=SASL_SSL",
        ),
        (
            {
                "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
                "KAFKA_SASL_MECHANISM": "GSSAPI",
                "KAFKA_SASL_USERNAME": "relay",
                "KAFKA_SASL_PASSWORD": SECRET,
            },
            "KAFKA_SASL_MECHANISM: input should be 'PLAIN', 'SCRAM-SHA-256' or 'SCRAM-SHA-512'",
        ),
        (
            {
                "APP_ENV": "production",
                "KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
                "KAFKA_SASL_MECHANISM": "PLAIN",
                "KAFKA_SASL_USERNAME": "relay",
                "KAFKA_SASL_PASSWORD": SECRET,
            },
            "KAFKA_SASL_MECHANISM: must not be PLAIN when APP_ENV=production",
        ),
        ({"KAFKA_SSL_CA_FILE": "pem"}, "KAFKA_SSL_CA_FILE: is of no use with KAFKA_SECURITY_PROTOCOL=PLAINTEXT"),
        (
            {"KAFKA_SECURITY_PROTOCOL": "SSL", "KAFKA_SSL_CA_FILE": "/nowhere/ca.pem"},
            "KAFKA_SSL_CA_FILE: path does not point to a file",
        ),
        (
            {"KAFKA_SECURITY_PROTOCOL": "SSL", "KAFKA_SSL_CERT_FILE": "pem"},
            "KAFKA_SSL_KEY_FILE: goes together with KAFKA_SSL_CERT_FILE",
        ),
        (
            {"KAFKA_SECURITY_PROTOCOL": "SSL", "KAFKA_SSL_KEY_PASSWORD": SECRET},
            "KAFKA_SSL_KEY_PASSWORD: is of no use without KAFKA_SSL_KEY_FILE",
        ),
    ],
)
def test_settings_that_do_not_fit_are_one_line_without_their_values(
    environment: dict[str, str],
    line: str,
    pem: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(pem.parent)
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "broker:9092")
    for name, value in environment.items():
        monkeypatch.setenv(name, str(pem) if value == "pem" else value)

    with pytest.raises(SystemExit):
        load_settings(KafkaSettings)

    (error,) = capsys.readouterr().err.splitlines()
    assert error.startswith(line)
    assert SECRET not in error
