"""Settings of the poller of Stripe's balance."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from infra.redis.redlock import RedlockSettings
from infra.settings.privacy import VaultSettings
from infra.stripe.guard.settings import StripeGuardSettings


class BalanceSettings(VaultSettings, RedlockSettings, StripeGuardSettings):
    """What the poller needs."""

    balance_poll_interval_ms: Annotated[int, Field(ge=100)] = 60_000
    """From the end of one poll to the next. Most read the newest balance transactions alone, until nothing is new."""
    balance_whole_listing_interval_ms: Annotated[int, Field(ge=100)] = 3_600_000
    """From one whole listing of the balance transactions to the next: it reads again all since the one before it."""
    balance_overlap_s: Annotated[int, Field(ge=0)] = 900
    """How far behind the newest row of the last whole listing each one reaches back: a row that Stripe shows later
    than it dates it is still found."""
    balance_page_size: Annotated[int, Field(ge=1, le=100)] = 100
    balance_payout_watch_days: Annotated[int, Field(ge=0)] = 7
    """How long after its arrival a payout that is paid is looked at again: the bank can still send it back."""
    balance_lock_ttl_ms: Annotated[int, Field(ge=1)] = 10_000
    """How soon another poller takes over from one that was killed."""

    @model_validator(mode="after")
    def _lock_outlives_its_servers(self) -> Self:
        least = 5 * self.redlock_server_timeout_ms
        if self.balance_lock_ttl_ms < least:
            raise ValueError(f"BALANCE_LOCK_TTL_MS must be at least {least} with this REDLOCK_SERVER_TIMEOUT_MS")
        return self
