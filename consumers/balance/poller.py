"""Polls again and again while this process is the one that does."""

import asyncio
from collections.abc import Callable
from functools import partial

import structlog
from stripe import StripeError

from consumers.balance import metrics, watched
from consumers.balance.record import record_payouts, record_transactions
from consumers.stripe.lists import cursors
from consumers.stripe.lists.lists import Lists, StripeList
from consumers.stripe.lists.poll import Reach, poll
from consumers.stripe.lists.whole_listings import WholeListings
from consumers.stripe.translate.errors import UnexpectedObject
from infra.kafka.consumer.retry_policy import is_worth_retrying
from infra.postgres.pool import Pool
from infra.process.health import Unhealthy
from infra.process.heartbeat import Heartbeat
from infra.redis.redlock import Redlock, run_as_leader
from infra.stripe.guard.errors import NotSent

log = structlog.get_logger(__name__)

GoOn = Callable[[], bool]

_LOCK = "stripe-balance"
_STALL_AFTER_S = 60.0
# What Stripe says or does not say, and an object that this code cannot read: whatever it is, the next poll asks again.
_OF_STRIPE = (StripeError, NotSent, TimeoutError, UnexpectedObject)


async def poll_transactions(
    pool: Pool, lists: Lists, reach: Reach, *, whole: bool = True, go_on: GoOn = lambda: True
) -> bool:
    """Read the balance transactions, as `consumers.stripe.lists.poll` says."""
    return await poll(pool, lists, StripeList.TRANSACTIONS, reach, record=record_transactions, whole=whole, go_on=go_on)


async def poll_payouts(pool: Pool, lists: Lists, reach: Reach, *, watch_days: int, go_on: GoOn = lambda: True) -> bool:
    """Read the payouts, back to the oldest that may still change."""
    record = partial(record_payouts, watch_days=watch_days)
    return await poll(pool, lists, StripeList.PAYOUTS, reach, record=record, oldest=watched.oldest, go_on=go_on)


async def measure(pool: Pool) -> None:
    """Show up to when each list is read, by whichever process, and how many payouts are watched."""
    async with pool.connection() as conn:
        known, count = await cursors.completed_at(conn), await watched.count(conn)
    for name, at in known.items():
        metrics.completed(name, at.timestamp())
    metrics.WATCHED_PAYOUTS.set(count)


class BalancePoller:
    """One process polls and others stand by. The lock spares calls; two pollers at once do no harm.

    So while the lock servers are away, each of them polls: the ledger must not wait for Redis.
    """

    def __init__(
        self,
        pool: Pool,
        lists: Lists,
        redlock: Redlock,
        reach: Reach,
        *,
        watch_days: int,
        interval_s: float,
        whole_interval_s: float,
        lock_ttl_ms: int,
    ) -> None:
        self._pool = pool
        self._lists = lists
        self._redlock = redlock
        self._reach = reach
        self._watch_days = watch_days
        self._interval_s = interval_s
        self._lock_ttl_ms = lock_ttl_ms
        self._whole_listings = WholeListings(whole_interval_s)
        self._heartbeat = Heartbeat()

    async def check_live(self) -> None:
        """Raise Unhealthy when it has neither read a page nor stood by for too long."""
        silent = self._heartbeat.silent_s
        if silent > self._interval_s + _STALL_AFTER_S:
            raise Unhealthy(f"no page was requested in {silent:.0f} s")

    async def run(self, stop: asyncio.Event) -> None:
        """Poll, or stand by, until `stop`; a page in hand is finished."""
        await run_as_leader(
            self._redlock,
            _LOCK,
            self._poll,
            stop,
            interval_s=self._interval_s,
            lock_ttl_ms=self._lock_ttl_ms,
            heartbeat=self._heartbeat,
            standby=self._look,
        )

    async def _poll(self, result: str, may_continue: Callable[[], bool]) -> None:
        def go_on() -> bool:
            self._heartbeat()
            return may_continue()

        # Payouts first, so that most often a payout is known before the row that takes it off the balance. A list that
        # fails does not hold up the other.
        for list_, read in (
            (StripeList.PAYOUTS, self._poll_payouts),
            (StripeList.TRANSACTIONS, self._poll_transactions),
        ):
            try:
                with metrics.POLL_SECONDS.labels(list_.value).time():
                    ended = await read(go_on)
            except Exception as error:
                if not (isinstance(error, _OF_STRIPE) or is_worth_retrying(error)):
                    raise
                metrics.POLLS.labels(list_.value, "failed").inc()
                log.warning("balance_poll_failed", list=list_.value, error=f"{type(error).__name__}: {error}")
            else:
                metrics.POLLS.labels(list_.value, result if ended else "cut_short").inc()
        await self._look()

    async def _poll_payouts(self, go_on: GoOn) -> bool:
        return await poll_payouts(self._pool, self._lists, self._reach, watch_days=self._watch_days, go_on=go_on)

    async def _poll_transactions(self, go_on: GoOn) -> bool:
        whole = self._whole_listings.begin()
        ended = await poll_transactions(self._pool, self._lists, self._reach, whole=whole, go_on=go_on)
        if ended and whole:
            self._whole_listings.ended()
        return ended

    async def _look(self) -> None:
        try:
            await measure(self._pool)
        except Exception as error:
            if not is_worth_retrying(error):
                raise
