"""Traces of payments outside of the log: what was answered for or sent, and may be lost.

Redis is searched by the command API, Stripe by the consumers. Both declare so in the group `paystream.payment-traces`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from domain.ids import PaymentId
from infra.settings.redis import RedisSettings
from infra.settings.stripe import StripeSettings

GROUP = "paystream.payment-traces"


@dataclass(frozen=True, kw_only=True, slots=True)
class Trace:
    """A payment that is known outside of the log; `where` says by whom."""

    payment_id: PaymentId
    where: str
    position: int | None = None
    """Of the event that it was answered for, if that is known."""


class RedisTraces(Protocol):
    """What Redis remembers to have answered."""

    async def traces(self, settings: RedisSettings) -> Sequence[Trace]:
        """Return the payments of the answers that are kept."""


class StripeTraces(Protocol):
    """What Stripe has of us."""

    async def traces(self, settings: StripeSettings, *, since: datetime) -> Sequence[Trace]:
        """Return the payments of the intents and refunds that were created since, by their metadata."""
