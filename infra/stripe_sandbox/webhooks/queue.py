"""The webhooks to send, in the store: a row for each event and endpoint, with what faults do to it."""

import asyncio
from dataclasses import dataclass

from infra.stripe_sandbox.clock import SandboxClock
from infra.stripe_sandbox.faults.registry import Faults
from infra.stripe_sandbox.faults.rules import FALSIFYING, Effect
from infra.stripe_sandbox.store import Store
from infra.stripe_sandbox.webhooks.endpoints import Endpoint, Endpoints

PENDING, DELIVERED, FAILED, LOST = "pending", "delivered", "failed", "lost"
SECOND_MS = 1000


@dataclass(frozen=True, slots=True)
class Delivery:
    """An event that is due at an endpoint; `falsified` is the fault that makes it untrue."""

    seq: int
    event: str
    endpoint: str
    attempts: int
    falsified: str | None


class WebhookQueue:
    """Keeps deliveries. Adding and settling belong inside the caller's transaction."""

    def __init__(self, store: Store, clock: SandboxClock, endpoints: Endpoints, faults: Faults) -> None:
        self._store, self._clock, self._faults = store, clock, faults
        self.endpoints = endpoints
        self.added = asyncio.Event()
        """Set when there may be something to send."""

    def add(self, account: str, event_id: str, event_type: str) -> None:
        """Queue an event for every endpoint that takes its type."""
        for endpoint in self.endpoints:
            if endpoint.wants(account, event_type):
                self._add_for(endpoint, event_id, event_type)

    def send_again(self, endpoint: Endpoint, event_id: str, event_type: str) -> None:
        """Queue an event again, as the button Resend does."""
        self._insert(event_id, event_type, endpoint.id, due=self._clock())

    def due(self, count: int) -> list[Delivery]:
        """Return what is due, the longest overdue first."""
        rows = self._store.execute("due_deliveries", now=self._clock(), count=count)
        return [Delivery(*row) for row in rows]

    def next_due(self) -> float | None:
        """Return when the next one is due, or None."""
        row: tuple[float | None] = self._store.execute("next_delivery").fetchone()
        return row[0]

    def delivered(self, delivery: Delivery, status: int | None) -> None:
        """Record that the endpoint has taken it."""
        self._settle(delivery, DELIVERED, self._clock(), status, None)

    def refused(self, delivery: Delivery, *, status: int | None, error: str | None, again_s: float | None) -> None:
        """Record that an attempt failed, and when the next one comes, if any."""
        state = FAILED if again_s is None else PENDING
        self._settle(delivery, state, self._clock() + (again_s or 0), status, error)

    def hasten(self) -> None:
        """Make everything that waits for its retry due now."""
        self._store.execute("hasten_deliveries", now=self._clock())
        self.added.set()

    def pending_of(self, event_id: str) -> int:
        """Return how many endpoints have not yet taken an event."""
        return int(self._store.execute("pending_deliveries_of", event=event_id).fetchone()[0])

    def everything(self, state: str | None = None) -> list[tuple[str | float | None, ...]]:
        """Return every delivery with its event's type, oldest first; of one state or all."""
        return list(self._store.execute("all_deliveries", state=state))

    def counts(self) -> dict[str, int]:
        """Return how many deliveries there are in each state."""
        return dict(self._store.execute("count_deliveries"))

    def _add_for(self, endpoint: Endpoint, event_id: str, event_type: str) -> None:
        due, state = self._clock(), PENDING
        for fault in self._faults.of_webhook(event_type):
            if fault.effect is Effect.LOSE:
                state = LOST
            elif fault.effect is Effect.DELAY:
                due += self._seconds(fault.rule.ms)
            elif fault.effect is Effect.REORDER:
                due += self._seconds(fault.moved_ms)
            else:
                falsified = str(fault.effect) if fault.effect in FALSIFYING else None
                later = self._clock() + self._seconds(fault.rule.ms)
                self._insert(event_id, event_type, endpoint.id, due=later, falsified=falsified)
        self._insert(event_id, event_type, endpoint.id, due=due, state=state)

    def _seconds(self, ms: float) -> float:
        """Convert real milliseconds to those of the sandbox's clock."""
        return ms / SECOND_MS * self._clock.rate

    def _insert(
        self,
        event_id: str,
        event_type: str,
        endpoint_id: str,
        *,
        due: float,
        state: str = PENDING,
        falsified: str | None = None,
    ) -> None:
        self._store.execute(
            "insert_delivery",
            event=event_id,
            type=event_type,
            endpoint=endpoint_id,
            state=state,
            due=due,
            falsified=falsified,
        )
        self.added.set()

    def _settle(self, delivery: Delivery, state: str, due: float, status: int | None, error: str | None) -> None:
        self._store.execute("delivery_tried", seq=delivery.seq, state=state, due=due, status=status, error=error)
