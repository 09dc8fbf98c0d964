"""The Kafka cluster and its security."""

from typing import Annotated, Literal

from pydantic import Field, FilePath, SecretStr, ValidationInfo, field_validator

from infra.settings.cell import CellSettings
from infra.settings.process import ProcessSettings


class TopicSettings(ProcessSettings):
    """What says in which partition of its topic an event is, also to who never asks Kafka."""

    kafka_topic_partitions: Annotated[int, Field(ge=1)] = 12


class KafkaSecuritySettings(CellSettings):
    """How to connect to a Kafka cluster that needs TLS or a login."""

    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    kafka_sasl_mechanism: Annotated[
        Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None, Field(validate_default=True)
    ] = None
    kafka_sasl_username: Annotated[str | None, Field(validate_default=True)] = None
    kafka_sasl_password: Annotated[SecretStr | None, Field(validate_default=True)] = None
    kafka_ssl_verify: Literal["full", "ca", "none"] = "full"
    """What of the brokers' certificates: who signed them, and their names; ca: who signed them alone; none."""
    kafka_ssl_ca_file: FilePath | None = None
    """PEM: who may have signed the brokers' certificates. None: those that the machine trusts."""
    kafka_ssl_cert_file: FilePath | None = None
    """PEM: our own certificate, for brokers that ask for one."""
    kafka_ssl_key_file: Annotated[FilePath | None, Field(validate_default=True)] = None
    """PEM: its private key."""
    kafka_ssl_key_password: SecretStr | None = None

    @field_validator("kafka_sasl_mechanism", "kafka_sasl_username", "kafka_sasl_password")
    @classmethod
    def _as_sasl_needs(cls, value: object, info: ValidationInfo) -> object:
        protocol = _needed_for(value, info, "SASL_")
        if value is None and protocol.startswith("SASL_"):
            raise ValueError(f"must be set when KAFKA_SECURITY_PROTOCOL={protocol}")
        return value

    @field_validator("kafka_sasl_mechanism")
    @classmethod
    def _not_in_the_clear(cls, value: str | None, info: ValidationInfo) -> str | None:
        protocol, environment = info.data.get("kafka_security_protocol"), info.data.get("app_env")
        if (value, protocol, environment) == ("PLAIN", "SASL_PLAINTEXT", "production"):
            raise ValueError(
                "must not be PLAIN when APP_ENV=production: SASL_PLAINTEXT shows the password to the network"
            )
        return value

    @field_validator("kafka_ssl_ca_file", "kafka_ssl_cert_file", "kafka_ssl_key_file", "kafka_ssl_key_password")
    @classmethod
    def _as_tls_needs(cls, value: object, info: ValidationInfo) -> object:
        _needed_for(value, info, "SSL")
        return value

    @field_validator("kafka_ssl_key_file")
    @classmethod
    def _with_certificate(cls, value: FilePath | None, info: ValidationInfo) -> FilePath | None:
        if (value is None) != (info.data.get("kafka_ssl_cert_file") is None):
            raise ValueError("goes together with KAFKA_SSL_CERT_FILE: set both or none")
        return value

    @field_validator("kafka_ssl_key_password")
    @classmethod
    def _with_key(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if value is not None and info.data.get("kafka_ssl_key_file") is None:
            raise ValueError("is of no use without KAFKA_SSL_KEY_FILE")
        return value


class KafkaSettings(KafkaSecuritySettings, TopicSettings):
    """The Kafka cluster."""

    kafka_bootstrap_servers: Annotated[str, Field(min_length=1)]
    """Comma-separated host:port list."""
    kafka_transactions: bool = True
    """False for a broker without transactions: delivery is then at least once, and consumers drop repeats."""
    kafka_fetch_max_wait_ms: Annotated[int, Field(ge=1)] = 500
    """10 to 20 with the embedded broker, which answers empty polls only after about half of this."""
    kafka_fetch_idle_wait_ms: Annotated[int, Field(ge=1)] = 500
    """The same for a consumer that has had nothing to do for two seconds: 300 with the embedded broker."""
    kafka_fetch_after_publish: bool = False
    """Whether a consumer that shares its process with the relay fetches when that has published, and otherwise only
    once a second: true with the embedded broker, which is late with the answer to an empty fetch."""
    kafka_replication_factor: Annotated[int, Field(ge=1)] = 1
    kafka_request_timeout_ms: Annotated[int, Field(ge=100)] = 10_000
    kafka_session_timeout_ms: Annotated[int, Field(ge=1000)] = 6000
    """How soon a killed consumer's partitions go to another. 6000 is the least that Kafka takes by default; the
    embedded broker takes less, and lets a member join only after half of it."""
    kafka_check_crcs: bool = True
    """False only for librdkafka's mock cluster, which sends wrong checksums."""


def _needed_for(value: object, info: ValidationInfo, part: str) -> str:
    """Return the protocol. A value that it would silently ignore is an error: the protocol was forgotten."""
    protocol = str(info.data.get("kafka_security_protocol", ""))
    if value is not None and protocol and part not in protocol:
        raise ValueError(f"is of no use with KAFKA_SECURITY_PROTOCOL={protocol}")
    return protocol
