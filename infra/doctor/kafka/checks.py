"""Asks every cluster that processes use."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from functools import partial

from infra.doctor.check import Check
from infra.doctor.deployment import Deployment
from infra.doctor.finding import Finding, Status
from infra.doctor.kafka.cluster import (
    CLUSTER,
    TRANSACTIONS,
    NoKafka,
    away,
    brokers,
    cluster_finding,
    replication_finding,
    transactions_finding,
    try_transactions,
)
from infra.doctor.kafka.security import AREA, security_finding
from infra.doctor.kafka.topics import SUBJECT as TOPICS
from infra.doctor.kafka.topics import topic_findings
from infra.kafka.topics import KafkaUnavailable, cell_declarations, compare_topics
from infra.settings.kafka import KafkaSettings
from infra.settings.process import ProcessSettings

_TIMEOUT_MS = 2000
# How long a process lets a poll wait says nothing of the cluster.
_OF_THE_CLUSTER = KafkaSettings.model_fields.keys() - ProcessSettings.model_fields.keys() - {"kafka_fetch_max_wait_ms"}


def kafka_checks(deployment: Deployment) -> Iterator[Check]:
    """Yield a check for each cluster that processes name, and for each way of using it."""
    targets = deployment.targets(KafkaSettings, differing_in=_OF_THE_CLUSTER)
    for target in targets.found:
        yield Check(area=AREA, run=partial(_ask, target.settings, embedded=deployment.embedded))
    if not targets.found:
        reason = "; ".join(targets.wrong) or "none of these processes uses it"
        yield Check(area=AREA, run=partial(_not_checked, reason))


async def _not_checked(reason: str) -> AsyncGenerator[Finding, None]:
    yield AREA.skipped(CLUSTER, f"not asked: {reason}")


async def _ask(settings: KafkaSettings, *, embedded: bool) -> AsyncGenerator[Finding, None]:
    security = security_finding(settings)
    yield security
    yield replication_finding(settings)
    if security.status is Status.ERROR:
        for subject in (CLUSTER, TRANSACTIONS, TOPICS):
            yield AREA.skipped(subject, "not asked without the files of TLS")
        return
    hurried = settings.model_copy(
        update={"kafka_request_timeout_ms": min(settings.kafka_request_timeout_ms, _TIMEOUT_MS)}
    )
    try:
        found = await brokers(hurried)
    except NoKafka as error:
        yield away(settings, str(error), embedded=embedded)
        for subject in (TRANSACTIONS, TOPICS):
            yield AREA.skipped(subject, "Kafka does not answer")
        return
    yield cluster_finding(found, settings)
    obstacle, topics = await asyncio.gather(_transactions(hurried), _topics(hurried))
    yield transactions_finding(obstacle, settings)
    for finding in topics:
        yield finding


async def _transactions(settings: KafkaSettings) -> str | None:
    return await try_transactions(settings) if settings.kafka_transactions else None


async def _topics(settings: KafkaSettings) -> list[Finding]:
    try:
        compared, missing = await compare_topics(settings, cell_declarations(settings))
    except KafkaUnavailable as error:
        return [AREA.skipped(TOPICS, f"Kafka did not answer this: {error}")]
    return list(topic_findings(compared, missing, settings.kafka_bootstrap_servers))
