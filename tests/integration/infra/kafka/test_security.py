"""Every Kafka client of ours connects to a cluster with TLS and logins; a refused one says why, without a secret."""

import asyncio
import json
import os
import signal
import sys
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from event_store.appends import Appended
from event_store.relay.relay import Relay
from event_store.relay.shard import Shard
from event_store.store import Connection, append
from infra.embedded.apache_kafka.tls import make_tls_files
from infra.kafka.topics import KafkaUnavailable, create_topics, verify_topics
from infra.postgres.pool import create_pool
from infra.settings.kafka import KafkaSettings
from schemas.topics import PAYMENT, declarations
from tests.integration.infra.kafka.consumer.noting_consumer import Effects, running
from tests.support.database import Database
from tests.support.kafka import transactional_settings
from tests.support.log_entries import an_append
from tests.support.paystream_command import environment_of, paystream
from tests.support.secured_kafka import (
    PASSWORD,
    SecuredKafka,
    asking_for_a_certificate,
    asking_for_a_password,
    without_topics,
)
from tests.support.waiting import eventually

pytestmark = [pytest.mark.integration, pytest.mark.apache_kafka, pytest.mark.slow]

_MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
_DECLARED = declarations(4, 1)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def password_cluster(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SecuredKafka]:
    async with asking_for_a_password(tmp_path_factory.mktemp("by-password")) as secured:
        yield secured


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def certificate_cluster(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SecuredKafka]:
    async with asking_for_a_certificate(tmp_path_factory.mktemp("by-certificate")) as secured:
        yield secured


@pytest_asyncio.fixture
async def by_password(password_cluster: SecuredKafka) -> SecuredKafka:
    await without_topics(password_cluster.with_password("PLAIN"))
    return password_cluster


@pytest_asyncio.fixture
async def by_certificate(certificate_cluster: SecuredKafka) -> SecuredKafka:
    await without_topics(certificate_cluster.with_certificate())
    return certificate_cluster


@pytest.mark.parametrize("mechanism", _MECHANISMS)
async def test_events_go_from_the_log_to_a_consumer_with_a_login(
    mechanism: str, by_password: SecuredKafka, database: Database, app: Connection
) -> None:
    await publish_and_consume(by_password.with_password(mechanism), database, app)


async def test_events_go_from_the_log_to_a_consumer_with_a_certificate(
    by_certificate: SecuredKafka, database: Database, app: Connection
) -> None:
    await publish_and_consume(by_certificate.with_certificate(), database, app)


async def publish_and_consume(settings: KafkaSettings, database: Database, app: Connection) -> None:
    """Run what makes every kind of client: admin, producer, watcher, and FastStream's consumer."""
    stop = asyncio.Event()
    pool = create_pool(database.url("app"), size=4, name="test")
    relay = asyncio.create_task(Relay(settings, database.url("relay"), Shard(index=0, count=1), stop).run())
    try:
        async with pool:
            effects = Effects(pool)
            await effects.prepare(database.url("owner"))
            async with running(settings, PAYMENT, effects.apply, group_id=str(uuid.uuid4())):
                last = await append_some(app)
                await eventually(effects.positions, lambda found: found == list(range(1, last + 1)), within=40)
    finally:
        stop.set()
        await relay
    await verify_topics(settings, _DECLARED)


async def append_some(app: Connection) -> int:
    """Append to ten streams; return the last position."""
    results = [result for result in await append(app, [an_append() for _ in range(10)]) if isinstance(result, Appended)]
    await app.commit()
    return results[-1].position


@pytest.mark.parametrize("mechanism", _MECHANISMS)
async def test_a_wrong_password_is_told_without_it(mechanism: str, by_password: SecuredKafka, tmp_path: Path) -> None:
    wrong = by_password.with_password(mechanism, kafka_sasl_password=f"{PASSWORD}-not")

    with pytest.raises(KafkaUnavailable, match="refuses the login of KAFKA_SASL_USERNAME relay") as refused:
        await create_topics(wrong, _DECLARED)
    reported = await paystream("topics", "verify", cwd=tmp_path, settings=wrong.model_dump(exclude_unset=True))

    assert reported.code == 2
    assert "refuses the login of KAFKA_SASL_USERNAME relay" in reported.errors
    for text in (str(refused.value), repr(refused.value), reported.errors, reported.output):
        assert PASSWORD not in text


async def test_an_authority_that_did_not_sign_is_not_trusted(by_password: SecuredKafka, tmp_path: Path) -> None:
    other = by_password.with_password("PLAIN", kafka_ssl_ca_file=make_tls_files(tmp_path / "other").ca)
    none = by_password.with_password("PLAIN", kafka_ssl_ca_file=None)

    for settings in (other, none):
        with pytest.raises(KafkaUnavailable, match=r"certificate that is not trusted \(.+\): see KAFKA_SSL_CA_FILE"):
            await create_topics(settings, _DECLARED)


async def test_a_setting_says_what_of_a_broker_is_verified(by_password: SecuredKafka, tmp_path: Path) -> None:
    stranger = make_tls_files(tmp_path / "other").ca
    another_name = by_password.cluster.address.replace("127.0.0.1", "127.1")  # the same address; no certificate has it

    def settings(verify: str, **changes: object) -> KafkaSettings:
        named = {"kafka_bootstrap_servers": another_name, "kafka_ssl_verify": verify}
        return by_password.with_password("PLAIN", **named | changes)

    for refused in (settings("full"), settings("ca", kafka_ssl_ca_file=stranger)):
        with pytest.raises(KafkaUnavailable, match="certificate that is not trusted"):
            await create_topics(refused, _DECLARED)
    for accepted in (settings("ca"), settings("none", kafka_ssl_ca_file=stranger)):
        await create_topics(accepted, _DECLARED)
        await verify_topics(accepted, _DECLARED)


async def test_a_client_without_the_certificate_that_is_asked_for_is_told_so(by_certificate: SecuredKafka) -> None:
    without = by_certificate.with_certificate(kafka_ssl_cert_file=None, kafka_ssl_key_file=None)

    with pytest.raises(KafkaUnavailable, match=r"refuses TLS \(.*CERTIFICATE.*\): see .* KAFKA_SSL_CERT_FILE"):
        await create_topics(without, _DECLARED)


async def test_a_client_that_speaks_another_protocol_is_told_so(by_password: SecuredKafka) -> None:
    plain = transactional_settings(by_password.cluster.address)
    without_login = by_password.with_password(
        "PLAIN",
        kafka_security_protocol="SSL",
        kafka_sasl_mechanism=None,
        kafka_sasl_username=None,
        kafka_sasl_password=None,
    )

    for settings, protocol in ((plain, "PLAINTEXT"), (without_login, "SSL")):
        with pytest.raises(KafkaUnavailable, match=rf"hangs up \(.+\): does it speak {protocol}\?"):
            await create_topics(settings, _DECLARED)


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-512"])
async def test_a_process_that_logs_everything_logs_no_password(
    mechanism: str, by_password: SecuredKafka, database: Database, tmp_path: Path
) -> None:
    settings = by_password.with_password(mechanism).model_dump(exclude_unset=True)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "infra.cli", "relay"),
        cwd=tmp_path,
        env=environment_of({**settings, "database_url": database.url("relay"), "log_level": "DEBUG"}),
        stdout=asyncio.subprocess.PIPE,
        limit=1_000_000,  # a line names all topics with their partitions
    )
    assert process.stdout is not None
    lines: list[bytes] = []
    try:
        async with asyncio.timeout(40):
            while not lines or json.loads(lines[-1])["event"] != "relay_started":
                lines.append(await process.stdout.readline())
            os.kill(process.pid, signal.SIGTERM)
            lines.append(await process.stdout.read())
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()

    output = b"".join(lines).decode()
    assert "Request to" in output
    assert "SaslHandShake" in output
    assert "SaslAuthenticate" not in output
    assert PASSWORD not in output
