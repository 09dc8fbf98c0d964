"""While the log is closed nothing is sent to Stripe: what a restored database says of a task may be old."""

import psycopg
import pytest

from consumers.stripe.fakes import MemoryStripe
from consumers.tasks.claims import claim
from event_store.store import LOG_CLOSED
from infra.postgres.pool import DatabaseUnavailable, Pool
from tests.integration.consumers.gateway.gateway_without_kafka import Payments, working
from tests.support.database import Database

pytestmark = pytest.mark.integration


async def test_no_call_is_leased_until_the_log_is_open_again(pool: Pool, database: Database) -> None:
    payments, stripe_fake = Payments(pool), MemoryStripe()
    payment_id = await payments.request()
    async with await psycopg.AsyncConnection.connect(database.url("owner"), autocommit=True) as owner:
        await owner.execute("SELECT event_store.close_log('it lacks an event')")
        with pytest.raises(DatabaseUnavailable, match="the log is closed: it lacks an event") as refused:
            async with pool.connection() as connection:
                await claim(connection, limit=10, lease_ms=30_000)
        assert isinstance(refused.value.__cause__, psycopg.OperationalError)
        assert refused.value.__cause__.sqlstate == LOG_CLOSED
        await owner.execute("SELECT event_store.reopen_log(1, 0, '{}')")
    async with working(pool, stripe_fake):
        await payments.becomes(payment_id, "succeeded")
    assert len(stripe_fake.sent) == 1
