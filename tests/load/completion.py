"""Whether everything that was accepted came to its end, once: read from the event store and from the sandbox."""

from collections import Counter

import psycopg

from tests.support.system import System
from tests.support.waiting import eventually

_COMPLETION = """
SELECT count(*) FILTER (WHERE type = 'payment.succeeded') AS completed,
       count(*) FILTER (WHERE type = 'payment.requested') AS requested
  FROM event_store.events
"""


async def all_completed(system: System) -> int:
    """Wait until every payment that was requested has succeeded; return how many."""
    async with await psycopg.AsyncConnection.connect(system.stack.database_url(), autocommit=True) as connection:

        async def probe() -> tuple[int, int]:
            row = await (await connection.execute(_COMPLETION)).fetchone()
            assert row is not None
            return row[0], row[1]

        completed, _ = await eventually(probe, lambda found: found[0] == found[1], within=300, every=0.5)
        return completed


async def assert_each_charged_once(system: System, payments: int) -> None:
    """Check that the sandbox has one charge of so many payments, and the read model shows what the log says."""
    charges = (await system.sandbox.get("/_sandbox/charges")).json()
    per_payment = Counter(charge["metadata"]["paystream_payment_id"] for charge in charges)
    assert len(per_payment) == payments
    assert set(per_payment.values()) == {1}, "a payment was charged twice"
    assert await eventually(system.differences, lambda found: not found, within=60) == []
