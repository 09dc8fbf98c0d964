"""Prints how long a claim of the Stripe gateway takes beside tasks that are blocked behind a dead one.

python -m tests.load.claim_times
"""

import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path

from consumers.gateway.tasks import claim
from infra.postgres.pool import Pool, create_pool
from tests.support.database import fresh_database, postgres_server
from tests.support.prepared_home import share

_BLOCKED = (0, 10_000, 50_000)
_CLAIMS = 40
_INSERT = (
    "INSERT INTO consumers.gateway_tasks"
    " (event_id, payment_id, merchant_id, operation, position, correlation_id, status, attempts)"
)


async def _measure(pool: Pool, blocked: int) -> str:
    async with pool.connection() as conn:
        await conn.execute(
            f"{_INSERT} SELECT gen_random_uuid(), md5(n::text)::uuid, 'stuck', 'create_intent', n, 'c', 'dead', 1"
            f" FROM generate_series(1, {blocked}) n"
        )
        await conn.execute(
            f"{_INSERT} SELECT gen_random_uuid(), md5(n::text)::uuid, 'stuck', 'cancel_intent', {blocked} + n, 'c',"
            f" 'due', 0 FROM generate_series(1, {blocked}) n"
        )
    async with pool.connection() as conn:
        await conn.set_autocommit(True)
        await conn.execute("VACUUM ANALYZE consumers.gateway_tasks")
        await conn.set_autocommit(False)
    learning = await _claims(pool, _CLAIMS + blocked // 80)  # a claim may remember what it found blocked
    empty = await _claims(pool, _CLAIMS)
    async with pool.connection() as conn:
        await conn.execute(
            f"{_INSERT} SELECT gen_random_uuid(), gen_random_uuid(), 'other', 'create_intent', n, 'c', 'due', 0"
            f" FROM generate_series(1, {_CLAIMS} * 16) n"
        )
    busy = await _claims(pool, _CLAIMS)
    return (
        f"{blocked:>7} blocked: with nothing to claim {statistics.median(empty):.1f} ms, with 16 to claim"
        f" {statistics.median(busy):.1f} ms; the worst of the {len(learning)} claims before {max(learning):.1f} ms"
    )


async def _claims(pool: Pool, times: int) -> list[float]:
    took = []
    for _ in range(times):
        started = time.perf_counter()
        async with pool.connection() as conn:
            await claim(conn, limit=16, lease_ms=60_000)
        took.append((time.perf_counter() - started) * 1000)
    return took


async def main(folder: Path) -> None:
    """Measure each number of blocked tasks in a database of its own."""
    share(folder)
    async with postgres_server(folder / "home") as server:
        for blocked in _BLOCKED:
            async with (
                fresh_database(server) as database,
                create_pool(database.url("app"), size=2, name="claims") as pool,
            ):
                sys.stdout.write(await _measure(pool, blocked) + "\n")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        Path(made).chmod(0o755)  # PostgreSQL may run as another user
        asyncio.run(main(Path(made)))
