"""An event as the API shows it: https://docs.stripe.com/api/events/object."""

from collections.abc import Callable, Mapping
from typing import Any

from infra.stripe_sandbox.charges.model import Charge
from infra.stripe_sandbox.charges.render import render as render_charge
from infra.stripe_sandbox.customers.model import Customer
from infra.stripe_sandbox.customers.render import render as render_customer
from infra.stripe_sandbox.disputes.model import Dispute
from infra.stripe_sandbox.disputes.render import render as render_dispute
from infra.stripe_sandbox.events.log import Event
from infra.stripe_sandbox.json_types import Json, JsonObject
from infra.stripe_sandbox.payment_intents.model import PaymentIntent
from infra.stripe_sandbox.payment_intents.render import render as render_intent
from infra.stripe_sandbox.payouts.model import Payout
from infra.stripe_sandbox.payouts.render import render as render_payout
from infra.stripe_sandbox.refunds.model import Refund
from infra.stripe_sandbox.refunds.render import render as render_refund
from infra.stripe_sandbox.version import API_VERSION


def render(event: Event, *, pending_webhooks: int) -> JsonObject:
    """Return it as the API shows it."""
    shown = _RENDER[event.kind](event.state)
    data: JsonObject = {"object": shown}
    if event.before is not None:
        data["previous_attributes"] = changed(_RENDER[event.kind](event.state | event.before), shown)
    return {
        "id": event.id,
        "object": "event",
        "api_version": API_VERSION,
        "created": event.created,
        "data": data,
        "livemode": False,
        "pending_webhooks": pending_webhooks,
        "request": {"id": event.request_id, "idempotency_key": event.idempotency_key},
        "type": event.type,
    }


def changed(before: Mapping[str, Json], after: Mapping[str, Json]) -> JsonObject:
    """Return the values that changed, as they were; of a nested object only its own changes. Lists are whole."""
    found: JsonObject = {}
    for name in before.keys() | after.keys():
        old, new = before.get(name), after.get(name)
        if old == new:
            continue
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            found[name] = changed(old, new)
        else:
            found[name] = old
    return dict(sorted(found.items()))


# A state was written from a record of this kind, so its members are the record's.
_RENDER: Mapping[str, Callable[[dict[str, Any]], JsonObject]] = {
    PaymentIntent.KIND: lambda state: render_intent(PaymentIntent(**state)),
    Charge.KIND: lambda state: render_charge(Charge(**state)),
    Refund.KIND: lambda state: render_refund(Refund(**state)),
    Dispute.KIND: lambda state: render_dispute(Dispute(**state)),
    Payout.KIND: lambda state: render_payout(Payout(**state)),
    Customer.KIND: lambda state: render_customer(Customer(**state)),
}
