"""The brokers, and whether they are as many as topics are to have replicas."""

import asyncio
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaConnectionError, KafkaError

from infra.doctor.finding import Finding
from infra.doctor.kafka.security import AREA
from infra.errors import ProcessFailed
from infra.kafka.aiokafka_patches.stopping import stop_client
from infra.kafka.cell_clients import new_producer
from infra.kafka.clients import admin_config
from infra.kafka.names import KafkaNames
from infra.kafka.refusal import refusal_reason
from infra.settings.kafka import KafkaSettings

CLUSTER, TRANSACTIONS = "brokers", "transactions"
_NAME = "paystream-doctor"
_TRANSACTIONAL_ID = "paystream-relay-doctor"  # an ACL for the relays, by prefix, holds for it too
_START_S = 4.0
_STOP_S = 1.0
_DIAGNOSIS_TIMEOUT_S = 2.0
_FEW = 3


class NoKafka(Exception):
    """The cluster cannot be reached, refuses us, or does not answer in time."""


async def brokers(settings: KafkaSettings) -> list[str]:
    """Return the addresses of the brokers, as the cluster tells them. Raises NoKafka."""
    try:
        admin = AIOKafkaAdminClient(**admin_config(settings, client_id=_NAME))
    except (ProcessFailed, KafkaError, ValueError) as error:
        raise NoKafka(str(error)) from error
    try:
        async with asyncio.timeout(_START_S):
            await admin.start()
            described: dict[str, Any] = await admin.describe_cluster()
    except (KafkaError, OSError, ValueError) as error:
        raise NoKafka(await _reason(error, settings)) from error
    finally:
        await stop_client(admin.close(), timeout_s=_STOP_S)
    return [f"{each['host']}:{each['port']}" for each in described["brokers"]]


async def try_transactions(settings: KafkaSettings) -> str | None:
    """Begin a transactional producer, which leaves only its name behind; return what prevented it."""
    producer = new_producer(settings, client_id=_NAME, transactional_id=_TRANSACTIONAL_ID)
    try:
        async with asyncio.timeout(_START_S):
            await producer.start()
    except TimeoutError:
        return f"no answer within {_START_S:g} s"
    except (KafkaError, OSError) as error:
        return f"{type(error).__name__}: {error}"
    finally:
        await stop_client(producer.stop(), timeout_s=_STOP_S)
    return None


def away(settings: KafkaSettings, reason: str, *, embedded: bool) -> Finding:
    """Return the finding that no broker answers there."""
    remedy = (
        "Is it running, and may this machine reach it? Compare KAFKA_BOOTSTRAP_SERVERS and KAFKA_SECURITY_PROTOCOL."
    )
    if embedded:
        remedy = "`make run` starts it again by itself; its log: logs/broker.log in PAYSTREAM_HOME."
    return AREA.error(CLUSTER, f"{settings.kafka_bootstrap_servers} cannot be used: {reason}", remedy)


def cluster_finding(found: list[str], settings: KafkaSettings) -> Finding:
    """Rate how many brokers there are."""
    replicas = settings.kafka_replication_factor
    summary = f"{len(found)} at {', '.join(sorted(found))}"
    if len(found) < replicas:
        remedy = f"Start more brokers, or set KAFKA_REPLICATION_FACTOR={len(found)} for every process."
        return AREA.error(
            CLUSTER, f"{summary}: topics with KAFKA_REPLICATION_FACTOR={replicas} cannot be created", remedy
        )
    return AREA.ok(CLUSTER, summary)


def replication_finding(settings: KafkaSettings) -> Finding:
    """Rate how many brokers hold each record."""
    replicas = settings.kafka_replication_factor
    summary = f"KAFKA_REPLICATION_FACTOR={replicas}"
    if settings.app_env == "production" and replicas < _FEW:
        remedy = (
            "Set KAFKA_REPLICATION_FACTOR=3 for every process, and give the existing topics 3 replicas "
            "with kafka-reassign-partitions.sh."
        )
        detail = (
            f"{summary}, with APP_ENV=production: a broker that is lost takes records along, until they are sent again"
        )
        return AREA.warning("replication", detail, remedy)
    return AREA.ok(
        "replication", summary if replicas >= _FEW else f"{summary}, enough for development: production wants 3"
    )


def transactions_finding(obstacle: str | None, settings: KafkaSettings) -> Finding:
    """Rate whether events are published once each; `obstacle` is what kept a transaction from beginning."""
    if settings.kafka_transactions and obstacle is not None:
        ids = KafkaNames.of(settings).owned("paystream-relay-*")
        remedy = (
            f"Allow the relays their transactional ids ({ids}); check that there are enough brokers for "
            "transaction.state.log.replication.factor; a broker without transactions needs KAFKA_TRANSACTIONS=false."
        )
        return AREA.error(TRANSACTIONS, f"KAFKA_TRANSACTIONS=true, and none can begin: {obstacle}", remedy)
    if settings.kafka_transactions:
        return AREA.ok(TRANSACTIONS, "can begin: each event is published once")
    if settings.app_env == "production":
        detail = "KAFKA_TRANSACTIONS=false, with APP_ENV=production: an event can be published twice"
        return AREA.warning(
            TRANSACTIONS, detail, "Set KAFKA_TRANSACTIONS=true for every process, on a broker that has them."
        )
    return AREA.ok(TRANSACTIONS, "off: an event can be published twice, and consumers drop the second")


async def _reason(error: Exception, settings: KafkaSettings) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer within {_START_S:g} s"
    if isinstance(error, KafkaConnectionError):
        try:
            async with asyncio.timeout(_DIAGNOSIS_TIMEOUT_S):
                return await refusal_reason(settings) or str(error)
        except TimeoutError:
            return "cannot connect"
    return f"{type(error).__name__}: {error}"
