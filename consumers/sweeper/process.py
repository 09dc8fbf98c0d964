"""The process `sweeper`."""

from consumers.sweeper.settings import SweeperSettings
from consumers.sweeper.sweeper import Sweeper
from infra.postgres import create_pool, postgres_check
from infra.process import run
from infra.redlock import open_redlock
from infra.runtime import Runtime
from infra.settings import load_settings

SERVICE = "sweeper"


def main() -> None:
    """Run the process."""
    settings = load_settings(SweeperSettings)

    async def start(runtime: Runtime) -> None:
        await serve(runtime, settings)

    run(SERVICE, settings, start)


async def serve(runtime: Runtime, settings: SweeperSettings) -> None:
    """Sweep until `runtime.stop` is set."""
    pool = create_pool(settings.database_url.get_secret_value(), size=settings.database_pool_size, name=SERVICE)
    runtime.health.add_readiness("postgres", postgres_check(pool))
    await pool.open()
    try:
        async with open_redlock(settings) as redlock:
            sweeper = Sweeper(
                pool,
                redlock,
                interval_s=settings.sweeper_interval_ms / 1000,
                wait_s=settings.sweeper_wait_ms / 1000,
                batch=settings.sweeper_batch,
                lock_ttl_ms=settings.sweeper_lock_ttl_ms,
            )
            runtime.health.add_liveness("sweeper", sweeper.check_live)
            await sweeper.run(runtime.stop)
    finally:
        await pool.close()
