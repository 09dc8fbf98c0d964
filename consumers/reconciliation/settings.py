"""Settings of the reconciliation."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from consumers.reconciliation.schedule.days import Schedule
from infra.redis.redlock import RedlockSettings
from infra.settings.kafka import KafkaSettings
from infra.settings.postgres import SessionSettings
from infra.settings.privacy import VaultSettings
from infra.settings.reconciliation import ReconciliationDaySettings
from infra.stripe.guard.settings import StripeGuardSettings


class ReconciliationSettings(
    VaultSettings,
    SessionSettings,
    KafkaSettings,
    ReconciliationDaySettings,
    RedlockSettings,
    StripeGuardSettings,
):
    """What the reconciliation needs."""

    reconciliation_schedule: str = "0 6 * * *"
    """When the day before is reconciled, as in crontab: minute, hour, day, month, day of the week."""
    reconciliation_catch_up_days: Annotated[int, Field(ge=1, le=366)] = 31
    """How far back days are reconciled that were missed while nothing ran."""
    reconciliation_cutoff_ms: Annotated[int, Field(ge=1000, le=7 * 24 * 3600 * 1000)] = 7_200_000
    """How far apart the two sides may date the same thing. Until so long after it, what one of them lacks may still
    come. A day that the schedule has earlier than that is run once more the next time."""
    reconciliation_ledger_wait_ms: Annotated[int, Field(ge=1)] = 300_000
    """How long a run waits for the ledger to have all that was in the log when it started."""
    reconciliation_retry_ms: Annotated[int, Field(ge=1)] = 60_000
    """How long after a failure a run is tried again; twice as long each time."""
    reconciliation_attempts: Annotated[int, Field(ge=1)] = 8
    """How often a run is tried. The schedule asks for its day again the next time."""
    reconciliation_lookups: Annotated[int, Field(ge=0)] = 2_000
    """The most objects that a run looks up at Stripe one by one: what one side lacks, and what is unresolved.
    Beyond it, the next runs go on."""
    reconciliation_lock_ttl_ms: Annotated[int, Field(ge=1)] = 10_000
    """How soon another process takes over from one that was killed."""

    @model_validator(mode="after")
    def _schedule_is_one(self) -> Self:
        try:
            Schedule(self.reconciliation_schedule, self.reconciliation_time_zone)
        except ValueError as error:
            raise ValueError(f"RECONCILIATION_SCHEDULE must be like '0 6 * * *': {error}") from None
        return self

    @model_validator(mode="after")
    def _lock_outlives_its_servers(self) -> Self:
        least = 5 * self.redlock_server_timeout_ms
        if self.reconciliation_lock_ttl_ms < least:
            raise ValueError(f"RECONCILIATION_LOCK_TTL_MS must be at least {least} with this REDLOCK_SERVER_TIMEOUT_MS")
        return self

    @property
    def reconciliation_cutoff_s(self) -> int:
        """The cut-off in seconds, as Stripe dates its rows."""
        return self.reconciliation_cutoff_ms // 1000
