"""What Stripe has of our payments, by the ids in its objects' metadata: a trace of those that PostgreSQL lost."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import stripe

from consumers.stripe.requests import PAYMENT_ID
from event_store.recovery.traces import Trace
from infra.settings.stripe import StripeSettings
from infra.stripe.client import stripe_client

_PAGE = 100
_MARGIN_S = 600
"""Stripe's clock and ours may differ, and an object may be made before the event that asked for it is in a backup."""


class OurPayments:
    """Lists intents and refunds: complete, where the search may lag (https://docs.stripe.com/search)."""

    async def traces(self, settings: StripeSettings, *, since: datetime) -> Sequence[Trace]:
        """Return the payments of what was created since. Raises stripe.StripeError."""
        params: Any = {"limit": _PAGE, "created": {"gte": int(since.timestamp()) - _MARGIN_S}}
        found: list[Trace] = []
        async with stripe_client(settings) as client:
            for list_ in (client.v1.payment_intents.list_async, client.v1.refunds.list_async):
                page = await list_(params)
                async for item in page.auto_paging_iter():
                    found += _traces(item)
        return found


def _traces(item: stripe.StripeObject) -> Iterator[Trace]:
    known = item.to_dict()
    payment_id = (known.get("metadata") or {}).get(PAYMENT_ID)
    if payment_id is None:
        return  # another system's
    try:
        named = UUID(payment_id)
    except ValueError:
        return
    what = f"{known['object']} {known['id']}, {known['status']}, {known['amount']} {str(known['currency']).upper()}"
    yield Trace(payment_id=named, where=f"Stripe: {what}")
