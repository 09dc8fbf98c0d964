"""Settings of the Stripe gateway."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from consumers.stripe.requests import CardsBy
from infra.settings.kafka import KafkaSettings
from infra.settings.privacy import VaultSettings
from infra.settings.stripe import STRIPE_CALL_MARGIN_MS
from infra.stripe.guard.settings import StripeGuardSettings


class GatewaySettings(VaultSettings, KafkaSettings, StripeGuardSettings):
    """What the gateway needs."""

    gateway_concurrency: Annotated[int, Field(ge=1, le=1000)] = 64
    """Tasks that call Stripe at once, in one process, or wait for their turn to."""
    gateway_lease_ms: Annotated[int, Field(ge=1)] = 30_000
    """How long a task is ours: after a crash, it is tried again so much later."""
    gateway_lookup_after_ms: Annotated[int, Field(ge=1)] = 600_000
    """The longest time between two look-ups of a call whose outcome is unknown: they begin within a second, and become
    fewer."""
    gateway_not_listed_after_ms: Annotated[int, Field(ge=1)] = 30_000
    """After how long, since Stripe answered a creation, a confirmation or a cancellation with a failure of its own, a
    look-up that finds nothing means that it failed. A payment that appears after all is undone."""
    gateway_missing_after_ms: Annotated[int, Field(ge=1)] = 24 * 3600 * 1000
    """After how long, from the first attempt, the same of a capture or a refund, which cannot be undone; and for how
    long it is watched whether a payment appears that was called failed. Stripe may still put right by hand what failed
    there (https://docs.stripe.com/error-low-level#server-errors)."""

    gateway_cards_by: CardsBy = CardsBy.ALLOWED_TYPES
    """How new payments are confined to cards. Change it while none is being created: one that was sent under its key is
    not sent again in another form, and becomes a dead letter."""

    @model_validator(mode="after")
    def _lease_outlives_calls(self) -> Self:
        # A place among the calls in flight, a turn, the call itself, and the writing of what it came to.
        least = 2 * self.stripe_max_wait_ms + self.stripe_timeout_ms + 2 * STRIPE_CALL_MARGIN_MS
        if self.gateway_lease_ms < least:
            raise ValueError(
                f"GATEWAY_LEASE_MS must be at least {least} with this STRIPE_TIMEOUT_MS and STRIPE_MAX_WAIT_MS"
            )
        return self
