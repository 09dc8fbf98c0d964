"""A claim of the Stripe gateway beside tasks that are blocked behind a dead one."""

import time
from contextlib import asynccontextmanager

from consumers.tasks.claims import claim
from infra.postgres.pool import Pool, create_pool
from tests.load.bench.measurement import Context, Goal, Prepared, Row, Rows, Sample
from tests.support.database import fresh_database, postgres_server

_BLOCKED = 50_000
_CLAIMED = 16
_INSERT = (
    "INSERT INTO consumers.gateway_tasks"
    " (event_id, payment_id, merchant_id, operation, position, correlation_id, status, attempts)"
)


@asynccontextmanager
async def _claiming(context: Context) -> Prepared:
    blocked = context.count(_BLOCKED)
    async with (
        postgres_server(context.folder / "claiming") as server,
        fresh_database(server) as database,
        create_pool(database.url("app"), size=2, name="bench") as pool,
    ):
        await _block(pool, blocked)
        for _ in range(blocked // 80):
            await _claim(pool)  # a claim may remember what it found blocked

        async def measure() -> Sample:
            async with pool.connection() as conn:
                await conn.execute(
                    f"{_INSERT} SELECT gen_random_uuid(), gen_random_uuid(), 'other', 'create_intent', n, 'c', 'due', 0"
                    f" FROM generate_series(1, {_CLAIMED}) n"
                )
            started = time.monotonic()
            claimed = await _claim(pool)
            took = time.monotonic() - started
            assert claimed == _CLAIMED
            return Sample(value=took * 1000)

        yield measure


async def _block(pool: Pool, count: int) -> None:
    async with pool.connection() as conn:
        await conn.execute(
            f"{_INSERT} SELECT gen_random_uuid(), md5(n::text)::uuid, 'stuck', 'create_intent', n, 'c', 'dead', 1"
            f" FROM generate_series(1, {count}) n"
        )
        await conn.execute(
            f"{_INSERT} SELECT gen_random_uuid(), md5(n::text)::uuid, 'stuck', 'cancel_intent', {count} + n, 'c',"
            f" 'due', 0 FROM generate_series(1, {count}) n"
        )
    async with pool.connection() as conn:
        await conn.set_autocommit(True)
        await conn.execute("VACUUM ANALYZE consumers.gateway_tasks")
        await conn.set_autocommit(False)


async def _claim(pool: Pool) -> int:
    async with pool.connection() as conn:
        return len(await claim(conn, limit=_CLAIMED, lease_ms=60_000))


ROWS: Rows = (
    Row(
        name="claim",
        title=f"claim {_CLAIMED} tasks beside {_BLOCKED:,} that are blocked behind dead ones",
        unit="ms",
        goal=Goal(at_most=3),
        prepare=_claiming,
        rounds=21,
    ),
)
