"""The process `sealer`."""

import aiohttp
import structlog

from event_store.proofs.stores import tile_store
from event_store.proofs.witnesses import configured_witnesses
from event_store.sealer.keys import sealer_keys
from event_store.sealer.sealer import Sealer
from event_store.sealer.sealing import Sealing
from event_store.sealer.settings import SealerSettings
from event_store.sealer.witnessing import Witnessing
from infra.postgres.pool import create_pool, postgres_check
from infra.process.runtime import Runtime
from infra.process.service import Service
from infra.redis.redlock import open_redlock

NAME = "sealer"

log = structlog.get_logger(__name__)


async def serve(runtime: Runtime, settings: SealerSettings) -> None:
    """Seal until `runtime.stop` is set. Without a key there is nothing to do."""
    keys = sealer_keys(settings)
    if not keys:
        log.warning("sealer_off", remedy="set SEALER_KEY_FILE, and PROOFS_FOLDER or PROOFS_BUCKET; see docs/proofs.md")
        await runtime.stop.wait()
        return
    store = tile_store(settings)
    assert store is not None, "the settings have checked it"
    witnesses = configured_witnesses(settings)
    pool = create_pool(
        settings.database_url.get_secret_value(), size=settings.database_pool_size, name=NAME, autocommit=True
    )
    runtime.health.add_readiness("postgres", postgres_check(pool))
    await pool.open()
    try:
        async with open_redlock(settings) as redlock, aiohttp.ClientSession() as session:
            sealer = Sealer(
                pool,
                redlock,
                Sealing(store, keys, batch=settings.sealer_batch),
                Witnessing(
                    store,
                    [key.public for key in keys],
                    witnesses,
                    session,
                    timeout_s=settings.sealer_witness_timeout_ms / 1000,
                ),
                interval_s=settings.sealer_interval_ms / 1000,
                lock_ttl_ms=settings.sealer_lock_ttl_ms,
            )
            runtime.health.add_liveness("sealer", sealer.check_live)
            # Payments go on without it, also those of a process that it shares.
            runtime.health.add_readiness("sealer", sealer.check_ready, required=False)
            await sealer.run(runtime.stop)
    finally:
        await pool.close()


SERVICE = Service(name=NAME, settings=SealerSettings, serve=serve)
