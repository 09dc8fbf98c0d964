"""Sends what is due, many at a time, and never in the way of an answer.

What is in flight is remembered here alone: killed in between, the sandbox sends it again, as Stripe may.
"""

import asyncio
import sqlite3
from dataclasses import dataclass, field
from functools import partial

import structlog
from prometheus_client import Counter

from infra.stripe_sandbox.commits import Commits
from infra.stripe_sandbox.events.render import render
from infra.stripe_sandbox.faults.rules import Effect
from infra.stripe_sandbox.ids import Clock
from infra.stripe_sandbox.operation import World
from infra.stripe_sandbox.transitions import settle_due
from infra.stripe_sandbox.webhooks.endpoints import ENABLED, Endpoint
from infra.stripe_sandbox.webhooks.falsify import Message, Signer, falsified
from infra.stripe_sandbox.webhooks.queue import Delivery
from infra.stripe_sandbox.webhooks.transport import NotSentError, Transport

MAX_IN_FLIGHT = 32
LONGEST_SLEEP_S = 1.0
"""The clock can be moved while we sleep."""
FIRST_SUCCESS, FIRST_OTHER = 200, 300

ATTEMPTS = Counter("stripe_sandbox_webhook_attempts_total", "Attempts to deliver an event.", ["outcome"])
log = structlog.get_logger(__name__)

_FIRST_S = 5 * 60
_LAST_S = 3 * 24 * 3600


def _delays() -> tuple[float, ...]:
    """Return how many seconds after each failed attempt the next one comes, up to three days in all.

    Stripe says that it tries for up to three days with exponential back-off (https://docs.stripe.com/webhooks#retries),
    and does not say when exactly. Here: after five minutes, and twice as long each time.
    """
    found: list[float] = []
    while sum(found) + _FIRST_S * 2 ** len(found) <= _LAST_S:
        found.append(float(_FIRST_S * 2 ** len(found)))
    return tuple(found)


DELAYS_S = _delays()


@dataclass(kw_only=True, slots=True)
class Dispatcher:
    """Sends webhooks, and makes the changes that come with time, while the sandbox runs."""

    world: World
    commits: Commits
    transport: Transport
    real_clock: Clock
    _in_flight: dict[int, asyncio.Task[None]] = field(default_factory=dict)

    async def run(self, stop: asyncio.Event) -> None:
        """Send until told to stop; what is in flight then is sent again by the next process."""
        stopping = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set():
                self.world.webhooks.added.clear()
                try:
                    await self._start_due()
                    delay = self._next_delay()
                except sqlite3.Error:
                    log.exception("sandbox_storage_failed")
                    delay = LONGEST_SLEEP_S
                await self._sleep(delay, stopping)
        finally:
            stopping.cancel()
            for task in self._in_flight.values():
                task.cancel()
            await asyncio.gather(stopping, *self._in_flight.values(), return_exceptions=True)
            await self.transport.close()

    async def deliver_due(self) -> int:
        """Send what is due now, wait until it is settled, and return how many there were."""
        started = await self._start_due()
        await asyncio.gather(*self._in_flight.values())
        return started

    async def _start_due(self) -> int:
        settle_due(self.world)
        # What is not committed yet may never have happened.
        await self.commits.done()
        busy = len(self._in_flight)
        free = MAX_IN_FLIGHT - busy
        due = [each for each in self.world.webhooks.due(MAX_IN_FLIGHT) if each.seq not in self._in_flight][:free]
        for delivery in due:
            task = asyncio.create_task(self._deliver(delivery))
            self._in_flight[delivery.seq] = task
            task.add_done_callback(partial(self._ended, delivery.seq))
        return len(due)

    def _ended(self, seq: int, _: asyncio.Task[None]) -> None:
        del self._in_flight[seq]
        self.world.webhooks.added.set()

    def _next_delay(self) -> float:
        """Return the seconds until something is due, unless something is added before."""
        if len(self._in_flight) >= MAX_IN_FLIGHT:
            return LONGEST_SLEEP_S
        waits = [self.world.store.next_due]
        if not self._in_flight:
            waits.append(self.world.webhooks.next_due())
        seconds = [self.world.clock.real_seconds_until(due) for due in waits if due is not None]
        return min([LONGEST_SLEEP_S, *seconds])

    async def _sleep(self, delay_s: float, stopping: asyncio.Task[bool]) -> None:
        added = asyncio.create_task(self.world.webhooks.added.wait())
        try:
            await asyncio.wait({added, stopping}, timeout=delay_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            added.cancel()

    async def _deliver(self, delivery: Delivery) -> None:
        endpoint = self.world.webhooks.endpoints.get(delivery.endpoint)
        if endpoint is None or endpoint.status != ENABLED:
            await self._settle(delivery, None, "the endpoint is gone or disabled", again=False)
            return
        status, error = None, None
        try:
            status = await self.transport.send(endpoint.url, self._message(delivery, endpoint))
        except NotSentError as failure:
            error = str(failure)
        except Exception as failure:
            # Counted as a failed attempt: anything else would try it without end.
            log.exception("sandbox_webhook_failed", event_id=delivery.event)
            error = f"{type(failure).__name__} {failure}".rstrip()
        # A falsified event is tried once: a receiver should refuse it.
        await self._settle(delivery, status, error, again=delivery.falsified is None)

    def _message(self, delivery: Delivery, endpoint: Endpoint) -> Message:
        event = self.world.events.get(delivery.event)
        assert event is not None
        shown = render(event, pending_webhooks=self.world.webhooks.pending_of(event.id))
        if endpoint.connect:
            shown["account"] = event.account
        signer = Signer(secrets=tuple(endpoint.secrets), timestamp=int(self.real_clock()))
        if delivery.falsified is None:
            return signer.message(shown)
        return falsified(shown, signer, Effect(delivery.falsified), new_id=self.world.ids.new("evt"))

    async def _settle(self, delivery: Delivery, status: int | None, error: str | None, *, again: bool) -> None:
        taken = status is not None and FIRST_SUCCESS <= status < FIRST_OTHER
        ATTEMPTS.labels("delivered" if taken else "failed").inc()
        delays = DELAYS_S if again else ()
        delay = delays[delivery.attempts] if delivery.attempts < len(delays) else None
        try:
            with self.world.transaction():
                if taken:
                    self.world.webhooks.delivered(delivery, status)
                else:
                    self.world.webhooks.refused(delivery, status=status, error=error, again_s=delay)
            await self.commits.done()
        except sqlite3.Error:
            log.exception("sandbox_storage_failed")
