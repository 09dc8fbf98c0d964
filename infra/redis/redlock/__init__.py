"""Locks between processes, over several independent Redis servers (Redlock).

They spare work, they do not protect money: that is done by PostgreSQL's constraints and Stripe's idempotency keys.

    async with open_redlock(settings) as redlock:
        async with redlock.lock("payment:1", ttl_ms=5_000, wait_s=2) as lease:
            lease.check()
        await run_as_leader(redlock, "sweep", sweep, stop, interval_s=60, lock_ttl_ms=30_000)
"""

from infra.redis.redlock.errors import LeaseLost, NotAcquired
from infra.redis.redlock.leader_election import run_as_leader
from infra.redis.redlock.lease import Lease
from infra.redis.redlock.redlock import Redlock
from infra.redis.redlock.settings import RedlockSettings, open_redlock

__all__ = ["Lease", "LeaseLost", "NotAcquired", "Redlock", "RedlockSettings", "open_redlock", "run_as_leader"]
