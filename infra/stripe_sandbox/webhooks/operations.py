"""Webhook endpoints over the API, to be read: https://docs.stripe.com/api/webhook_endpoints.

They are made by the settings and by the control panel (`/_sandbox/webhook_endpoints`), which also takes patterns such
as `refund.*`; Stripe itself knows the names of types, and `*` alone.
"""

from collections.abc import Iterable

from infra.stripe_sandbox.errors import resource_missing
from infra.stripe_sandbox.json_types import JsonObject
from infra.stripe_sandbox.operation import Call, Operation, Reply
from infra.stripe_sandbox.pages import LIMIT, Listing, Window, page
from infra.stripe_sandbox.params import spec, text
from infra.stripe_sandbox.version import API_VERSION
from infra.stripe_sandbox.webhooks.endpoints import Endpoint


class _Endpoints(Listing[tuple[int, Endpoint]]):
    """The endpoints of an account in the order of their creation, counted from 1."""

    kind = "webhook_endpoint"

    def position(self, call: Call, object_id: str) -> int | None:
        return next((seq for seq, endpoint in _visible(call) if endpoint.id == object_id), None)

    def rows(self, call: Call, window: Window) -> Iterable[tuple[int, Endpoint]]:
        found = _visible(call) if window.ascending else _visible(call)[::-1]
        return (row for row in found if window.holds(row[0], row[1].created))

    def render(self, _: Call, row: tuple[int, Endpoint]) -> JsonObject:
        return render(row[1])


def list_(call: Call) -> Reply:
    """Return a page of webhook endpoints, newest first."""
    return Reply(body=page(call, _Endpoints(), url="/v1/webhook_endpoints"))


def retrieve(call: Call) -> Reply:
    """Return one webhook endpoint."""
    wanted = call.path["webhook_endpoint"]
    for _, endpoint in _visible(call):
        if endpoint.id == wanted:
            return Reply(body=render(endpoint))
    raise resource_missing("webhook endpoint", wanted, param="webhook_endpoint")


def render(endpoint: Endpoint) -> JsonObject:
    """Return an endpoint as the API shows it: its secret is told once, when it is made, and never again."""
    return {
        "id": endpoint.id,
        "object": "webhook_endpoint",
        "api_version": API_VERSION,
        "application": None,
        "created": endpoint.created,
        "description": None,
        "enabled_events": list(endpoint.enabled_events),
        "livemode": False,
        "metadata": {},
        "status": endpoint.status,
        "url": endpoint.url,
    }


def _visible(call: Call) -> list[tuple[int, Endpoint]]:
    """Return those that belong to the account, and those of the settings, which are everybody's."""
    ours = [each for each in call.world.webhooks.endpoints if each.account in {None, call.account}]
    return list(enumerate(ours, start=1))


OPERATIONS = (
    Operation(
        method="GET",
        path="/v1/webhook_endpoints",
        accepts=spec(LIMIT, text("starting_after"), text("ending_before")),
        run=list_,
    ),
    Operation(method="GET", path="/v1/webhook_endpoints/{webhook_endpoint}", accepts=spec(), run=retrieve),
)
