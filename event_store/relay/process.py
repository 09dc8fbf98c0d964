"""The relay as a process: `paystream relay`, with RELAY_SHARD=i/n when several share the log."""

import asyncio
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_settings import NoDecode

from event_store.relay.downstream import DownstreamGroup, DownstreamWatch, parse_groups
from event_store.relay.queue import watch_queue
from event_store.relay.relay import Relay
from event_store.relay.shard import Shard
from event_store.relay.standbys import StandbyWatch
from infra.errors import ProcessFailed
from infra.postgres.pool import create_pool
from infra.postgres.pooling import DIRECT
from infra.postgres.sessions import require_session
from infra.process.runtime import Runtime
from infra.process.service import Service
from infra.settings.kafka import KafkaSettings
from infra.settings.postgres import SessionSettings


class RelaySettings(SessionSettings, KafkaSettings):
    """What the relay needs."""

    relay_shard: Annotated[str, AfterValidator(lambda text: str(Shard.parse(text)))] = "0/1"
    relay_creates_topics: bool = True
    """Whether missing topics are created; otherwise the relay waits for them."""
    relay_dead_letter_above_bytes: Annotated[int, Field(ge=0)] = 100_000
    """An event whose data is larger, and that Kafka refuses, is left out. A smaller one is as events are: when Kafka
    refuses that, the topic's max.message.bytes is wrong, and all wait until it is raised, so that none is missing."""
    relay_takeover_after_ms: Annotated[int, Field(ge=3000)] = 10_000
    """How long another relay of the shard may be silent before this one takes over (with transactions).

    It sends a heartbeat once a second, and later when its connection is busy reading the log.
    """
    downstream_groups: Annotated[tuple[DownstreamGroup, ...], BeforeValidator(parse_groups), NoDecode] = ()
    """Consumer groups of other teams that must follow, as `group` (payments) or `group=topic`, with commas between: the
    relay measures how far behind each is, and an alert says when one has stopped."""


async def serve(runtime: Runtime, settings: RelaySettings) -> None:
    """Publish until `runtime.stop` is set."""
    url = settings.direct_url
    shard = Shard.parse(settings.relay_shard)
    relay = Relay(
        settings,
        url,
        shard,
        runtime.stop,
        creates_topics=settings.relay_creates_topics,
        takeover_after_s=settings.relay_takeover_after_ms / 1000,
        dead_letter_above_bytes=settings.relay_dead_letter_above_bytes,
    )
    runtime.health.add_readiness("relay", relay.status.check_ready)
    runtime.health.add_liveness("relay", relay.status.check_live)
    await require_session(url, user="the relay")
    async with create_pool(url, size=1, name="relay-queue", pooling=DIRECT) as pool:
        working = {
            asyncio.create_task(relay.run()),
            asyncio.create_task(watch_queue(pool, shard, lambda: relay.position, runtime.stop)),
            asyncio.create_task(StandbyWatch(pool).run(runtime.stop)),
            asyncio.create_task(DownstreamWatch(settings, settings.downstream_groups).run(runtime.stop)),
        }
        try:
            ended, still = await asyncio.wait(working, return_when=asyncio.FIRST_COMPLETED)
            for task in ended:
                await task
            if not runtime.stop.is_set():
                raise ProcessFailed("the relay ended without a request to stop")
            await asyncio.gather(*still)
        finally:
            for task in working:
                task.cancel()
            await asyncio.wait(working)


SERVICE = Service(name="relay", settings=RelaySettings, serve=serve)
