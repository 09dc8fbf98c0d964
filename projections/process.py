"""The projector process: keeps every projection up to date. Scale it by count, up to one per partition."""

from event_store.database_log import DatabaseLog
from event_store.privacy.vault import AnyVault, open_vault
from infra.kafka.consumer.batch_consumer import BatchConsumer
from infra.kafka.consumer.dead_letters.worker import DeadLetters
from infra.postgres.pool import create_pool, postgres_check
from infra.postgres.sessions import require_session
from infra.process.runtime import Runtime
from infra.process.service import Service
from infra.settings.kafka import KafkaSettings
from infra.settings.postgres import SessionSettings
from infra.settings.privacy import VaultSettings
from projections.payments.holds import watched_holds
from projections.registry import PROJECTIONS
from projections.runner import CONSUMER, projecting, topics_of
from projections.watermark.moving import WatermarkMover
from schemas.cloudevents import from_kafka
from schemas.topics import dead_letter_topic

# Over all partitions: a partition's share is one transaction, whose cost is mostly its round trips (8,000 events/s
# with 500 events each, 2,800 with 40; one process beside other load on 2 cores). A lone event does not wait for it.
MAX_RECORDS = 4000


class ProjectorSettings(VaultSettings, SessionSettings, KafkaSettings):
    """`database_url` is of the role paystream_projector."""


async def serve(runtime: Runtime, settings: ProjectorSettings) -> None:
    """Consume until `runtime.stop` is set."""
    async with open_vault(settings, CONSUMER) as vault:
        await _serve(runtime, settings, vault)


async def _serve(runtime: Runtime, settings: ProjectorSettings, vault: AnyVault) -> None:
    url = settings.database_url.get_secret_value()
    pool = create_pool(url, size=settings.database_pool_size, name=CONSUMER, pooling=settings.pooling)
    watermark = WatermarkMover(settings.direct_url, partitions=settings.kafka_topic_partitions)
    apply = projecting(pool, PROJECTIONS, applied=watermark.applied, vault=vault)
    consumer = BatchConsumer(
        settings,
        topics=topics_of(PROJECTIONS),
        consumer=CONSUMER,
        decode=from_kafka,
        log=DatabaseLog(pool),
        apply=apply,
        dead_letters=DeadLetters(checkpointed=apply, topic_of=dead_letter_topic),
        max_records=MAX_RECORDS,
    )
    runtime.health.add_readiness("postgres", postgres_check(pool))
    consumer.register(runtime.health)
    await require_session(settings.direct_url, user=CONSUMER)
    async with pool, watched_holds(pool), watermark.running():
        await consumer.run(runtime.stop)


SERVICE = Service(name=CONSUMER, settings=ProjectorSettings, serve=serve)
