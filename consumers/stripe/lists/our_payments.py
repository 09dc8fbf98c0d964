"""What Stripe has of our payments, by the ids in its objects' metadata: a trace of those that PostgreSQL lost."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from consumers.stripe.client import GuardedStripe, JsonObject, StripeResource
from consumers.stripe.translate.ids import payment_id_of
from event_store.recovery.traces import Trace
from infra.settings.stripe import StripeSettings
from infra.stripe.calls import NoGuard
from infra.stripe.client import stripe_client

_MARGIN_S = 600
"""Stripe's clock and ours may differ, and an object may be made before its requesting event is in a backup."""


class OurPayments:
    """Lists intents and refunds: complete, where the search may lag (https://docs.stripe.com/search)."""

    async def traces(self, settings: StripeSettings, *, since: datetime) -> Sequence[Trace]:
        """Return the payments of what was created since. Raises stripe.StripeError."""
        made = {"created": {"gte": int(since.timestamp()) - _MARGIN_S}}
        found: list[Trace] = []
        async with stripe_client(settings) as client:
            api = GuardedStripe(client, NoGuard(), timeout_s=settings.stripe_call_timeout_s)
            for resource in (StripeResource.INTENTS, StripeResource.REFUNDS):
                async for item in api.each(resource, made):
                    found += _traces(item)
        return found


def _traces(item: JsonObject) -> Iterator[Trace]:
    payment_id = payment_id_of(item.get("metadata"))
    if payment_id is None:
        return  # another system's
    what = f"{item['object']} {item['id']}, {item['status']}, {item['amount']} {str(item['currency']).upper()}"
    yield Trace(payment_id=payment_id, where=f"Stripe: {what}")
