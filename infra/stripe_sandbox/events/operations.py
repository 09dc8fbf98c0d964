"""Reading events: https://docs.stripe.com/api/events."""

from collections.abc import Iterable

from infra.stripe_sandbox.errors import invalid_parameter, resource_missing
from infra.stripe_sandbox.events.log import Event
from infra.stripe_sandbox.events.render import render
from infra.stripe_sandbox.expand import expanded
from infra.stripe_sandbox.json_types import JsonObject
from infra.stripe_sandbox.operation import ApiOperation, Call, Reply
from infra.stripe_sandbox.pages import PAGE_PARAMS, Listing, Window, page
from infra.stripe_sandbox.params import flag, spec, text, texts

_DELIVERED = "delivery_success"
"""https://docs.stripe.com/api/events/list#list_events-delivery_success"""


class _Events(Listing[Event]):
    kind = "event"

    def position(self, call: Call, object_id: str) -> int | None:
        found = call.world.events.get(object_id, call.account)
        return None if found is None else found.position

    def rows(self, call: Call, window: Window) -> Iterable[Event]:
        return call.world.events.page(
            call.account,
            edge=window.edge,
            ascending=window.ascending,
            created=window.created,
            count=window.count,
            types=_types(call),
            delivered=call.params.flag(_DELIVERED) if _DELIVERED in call.params else None,
        )

    def render(self, call: Call, row: Event) -> JsonObject:
        return render(row, pending_webhooks=call.world.webhooks.pending_of(row.id))


def _types(call: Call) -> list[str] | None:
    """Return the types that are asked for. Raises StripeError (400) when they are given in both ways."""
    one, several = call.params.text("type"), call.params.texts("types")
    if one is not None and several:
        raise invalid_parameter(
            "You may only specify one of these parameters: type, types.", param="type", code="parameters_exclusive"
        )
    return [one] if one is not None else several or None


def list_(call: Call) -> Reply:
    """Return a page of events, newest first."""
    return Reply(body=page(call, _Events(), url="/v1/events"))


def retrieve(call: Call) -> Reply:
    """Answer `GET /v1/events/{id}`."""
    found = call.world.events.get(call.path["id"], call.account)
    if found is None:
        raise resource_missing("event", call.path["id"], param="id")
    shown = render(found, pending_webhooks=call.world.webhooks.pending_of(found.id))
    return Reply(body=expanded(call, shown))


OPERATIONS = (
    ApiOperation(
        method="GET",
        path="/v1/events",
        accepts=spec(*PAGE_PARAMS, text("type"), texts("types"), flag(_DELIVERED)),
        run=list_,
    ),
    ApiOperation(method="GET", path="/v1/events/{id}", accepts=spec(), run=retrieve),
)
