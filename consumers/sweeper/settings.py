"""Settings of the sweeper."""

from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from infra.redis.redlock import RedlockSettings
from infra.settings.privacy import VaultSettings
from infra.stripe.guard.settings import StripeGuardSettings

_LEAST_BODIES_DAYS = 30


class SweeperSettings(VaultSettings, RedlockSettings, StripeGuardSettings):
    """What the sweeper needs."""

    sweeper_interval_ms: Annotated[int, Field(ge=100)] = 30_000
    """From one sweep to the next."""
    sweeper_wait_ms: Annotated[int, Field(ge=1)] = 600_000
    """How long a payment waits for something at Stripe before it is read there; webhooks are to come first."""
    sweeper_batch: Annotated[int, Field(ge=1, le=10_000)] = 50
    """The most payments of one sweep: each takes about three calls of Stripe."""
    sweeper_task_wait_ms: Annotated[int, Field(ge=1)] = 300_000
    """How long after it was accepted a request must have its task; otherwise it is made again, and an alert tells."""
    sweeper_abandoned_after_s: Annotated[int, Field(ge=600)] = 24 * 3600
    """How long a payment may wait for its customer (to confirm, to authenticate, to give another payment method) before
    it is canceled."""
    sweeper_whole_listing_interval_ms: Annotated[int, Field(ge=100)] = 3_600_000
    """From one reading of all of Stripe's events to the next. In between, those are read that an endpoint of webhooks
    has not taken: what was sent to none is noticed only by the whole list."""
    sweeper_events_overlap_s: Annotated[int, Field(ge=0)] = 60
    """How far behind the newest event that it has seen each reading of Stripe's events reaches back: one that Stripe
    shows later than it dates it is still found."""
    sweeper_lock_ttl_ms: Annotated[int, Field(ge=1)] = 10_000
    """How soon another sweeper takes over from one that was killed."""

    retention_answers_days: Annotated[int, Field(ge=0)] = 30
    """How long after the last event of its payment an answer is stored for a repetition of its command; 0: for ever."""
    retention_tasks_days: Annotated[int, Field(ge=0)] = 90
    """How long a call of Stripe that has ended is listed; 0: for ever."""
    retention_timeline_days: Annotated[int, Field(ge=0)] = 0
    """How long after the last event of a payment that has ended its events are listed by the query API; 0: for ever."""
    retention_stripe_bodies_days: Annotated[int, Field(ge=0)] = 0
    """How long the personal data in what Stripe told can be read: its keys are destroyed then; 0: for ever."""

    @field_validator("retention_stripe_bodies_days")
    @classmethod
    def _long_enough(cls, value: int) -> int:
        if 0 < value < _LEAST_BODIES_DAYS:
            raise ValueError(f"must be 0 or at least {_LEAST_BODIES_DAYS}")
        return value

    @model_validator(mode="after")
    def _lock_outlives_its_servers(self) -> Self:
        least = 5 * self.redlock_server_timeout_ms
        if self.sweeper_lock_ttl_ms < least:
            raise ValueError(f"SWEEPER_LOCK_TTL_MS must be at least {least} with this REDLOCK_SERVER_TIMEOUT_MS")
        return self
