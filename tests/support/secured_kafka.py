"""Real Kafka that asks who comes: over TLS, with a password or with a certificate."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from aiokafka.admin import AIOKafkaAdminClient
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._scram import ScramCredentialInfo, ScramMechanism, UserScramCredentialUpsertion

from infra.embedded.apache_kafka.cluster import KafkaCluster
from infra.embedded.apache_kafka.tls import TlsFiles, make_tls_files
from infra.kafka.clients import admin_config
from infra.kafka.topics import describe_topics
from infra.settings.kafka import KafkaSettings
from tests.support.kafka import apache_kafka, transactional_settings
from tests.support.waiting import eventually

USER = "relay"
PASSWORD = "hunter2-very-secret"

_LOGIN = "org.apache.kafka.common.security"
_SASL = {
    "listener.security.protocol.map": "CLIENT:SASL_SSL,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "listener.name.client.sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
    "listener.name.client.plain.sasl.jaas.config": (
        f'{_LOGIN}.plain.PlainLoginModule required user_{USER}="{PASSWORD}";'
    ),
    "listener.name.client.scram-sha-256.sasl.jaas.config": f"{_LOGIN}.scram.ScramLoginModule required;",
    "listener.name.client.scram-sha-512.sasl.jaas.config": f"{_LOGIN}.scram.ScramLoginModule required;",
}
_SCRAM = (ScramMechanism.SCRAM_SHA_256, ScramMechanism.SCRAM_SHA_512)
_ITERATIONS = 4096


@dataclass(frozen=True, kw_only=True)
class SecuredKafka:
    """A cluster, and the files of its TLS."""

    cluster: KafkaCluster
    files: TlsFiles

    def with_password(self, mechanism: str, **changes: object) -> KafkaSettings:
        """Return settings that log in."""
        login = {
            "kafka_security_protocol": "SASL_SSL",
            "kafka_sasl_mechanism": mechanism,
            "kafka_sasl_username": USER,
            "kafka_sasl_password": PASSWORD,
            "kafka_ssl_ca_file": self.files.ca,
        }
        return transactional_settings(self.cluster.address, **login | changes)

    def with_certificate(self, **changes: object) -> KafkaSettings:
        """Return settings that show a certificate."""
        certificate = {
            "kafka_security_protocol": "SSL",
            "kafka_ssl_ca_file": self.files.ca,
            "kafka_ssl_cert_file": self.files.client_certificate,
            "kafka_ssl_key_file": self.files.client_key,
        }
        return transactional_settings(self.cluster.address, **certificate | changes)


@asynccontextmanager
async def asking_for_a_password(folder: Path) -> AsyncIterator[SecuredKafka]:
    """Run a broker with TLS and the user `USER`."""
    files = make_tls_files(folder / "tls")
    async with apache_kafka(folder / "kafka", tls=files, extra=_SASL) as cluster:
        await asyncio.to_thread(_add_scram_user, cluster.address, files.ca)
        yield SecuredKafka(cluster=cluster, files=files)


@asynccontextmanager
async def asking_for_a_certificate(folder: Path) -> AsyncIterator[SecuredKafka]:
    """Run a broker with TLS that lets in only clients with a certificate of its authority."""
    files = make_tls_files(folder / "tls", asks_clients=True)
    async with apache_kafka(folder / "kafka", tls=files) as cluster:
        yield SecuredKafka(cluster=cluster, files=files)


async def without_topics(settings: KafkaSettings) -> None:
    """Delete our topics, and wait until they are gone."""
    names = [name for name in await describe_topics(settings) if name.startswith("paystream.")]
    if names:
        admin = AIOKafkaAdminClient(**admin_config(settings))
        await admin.start()
        await admin.delete_topics(names)
        await admin.close()
    await eventually(lambda: describe_topics(settings), lambda left: left.keys().isdisjoint(names))


def _add_scram_user(servers: str, authority: Path) -> None:
    admin = AdminClient(
        {
            "bootstrap.servers": servers,
            "security.protocol": "SASL_SSL",
            "ssl.ca.location": str(authority),
            "sasl.mechanism": "PLAIN",
            "sasl.username": USER,
            "sasl.password": PASSWORD,
        }
    )
    for mechanism in _SCRAM:  # a request takes one change of a user
        credential = UserScramCredentialUpsertion(USER, ScramCredentialInfo(mechanism, _ITERATIONS), PASSWORD.encode())
        admin.alter_user_scram_credentials([credential])[USER].result(timeout=20)
