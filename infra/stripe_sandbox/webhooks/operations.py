"""Webhook endpoints over the API: https://docs.stripe.com/api/webhook_endpoints.

The settings and the control panel (`/_sandbox/webhook_endpoints`) make them as well, and may say `refund.*`; Stripe
itself knows the names of types, and `*` alone. Those of the settings belong to everybody: no account may change them.
"""

import re
from collections.abc import Iterable
from dataclasses import replace

from infra.stripe_sandbox.errors import StripeError, invalid_parameter, resource_missing
from infra.stripe_sandbox.json_types import JsonObject
from infra.stripe_sandbox.operation import ApiOperation, Call, Reply
from infra.stripe_sandbox.pages import LIMIT, Listing, Window, page
from infra.stripe_sandbox.params import METADATA, choice, flag, spec, text, texts, unmodelled
from infra.stripe_sandbox.version import API_VERSION
from infra.stripe_sandbox.webhooks.endpoints import DISABLED, ENABLED, Endpoint

MAX_ENDPOINTS = 16
"""https://docs.stripe.com/webhooks#register-webhook: up to 16 on each account."""
_TYPE = re.compile(r"\*|[a-z0-9_]+(\.[a-z0-9_]+)+")
_URL = re.compile(r"https?://[^\s/?#]+\S*")


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


def create(call: Call) -> Reply:
    """Make an endpoint. Its secret is in this answer, and in no other."""
    if sum(endpoint.account == call.account for _, endpoint in _visible(call)) >= MAX_ENDPOINTS:
        raise StripeError(f"You have reached the maximum of {MAX_ENDPOINTS} test webhook endpoints.")
    secret = call.world.ids.new("whsec")
    params = call.params
    endpoint = Endpoint(
        id=call.world.ids.new("we"),
        created=call.now,
        metadata=params.metadata().apply({}),
        url=_url(params.required_text("url")),
        secrets=[secret],
        enabled_events=_types(params.texts("enabled_events")),
        account=call.account,
        description=params.text("description"),
    )
    call.world.webhooks.endpoints.add(endpoint)
    return Reply(body={**render(endpoint), "secret": secret})


def update(call: Call) -> Reply:
    """Change what the request names."""
    before, params = _own(call), call.params
    status = before.status
    if "disabled" in params:
        status = DISABLED if params.flag("disabled") else ENABLED
    endpoint = replace(
        before,
        metadata=params.metadata().apply(before.metadata),
        url=_url(params.word_or("url", before.url)),
        enabled_events=_types(params.texts("enabled_events")) if "enabled_events" in params else before.enabled_events,
        description=params.text_or("description", before.description),
        status=status,
    )
    call.world.webhooks.endpoints.change(endpoint, before=before)
    return Reply(body=render(endpoint))


def delete(call: Call) -> Reply:
    """Stop sending there; what has not arrived yet does not come."""
    endpoint = _own(call)
    call.world.webhooks.endpoints.remove(endpoint)
    return Reply(body={"id": endpoint.id, "object": "webhook_endpoint", "deleted": True})


def list_(call: Call) -> Reply:
    """Return a page of webhook endpoints, newest first."""
    return Reply(body=page(call, _Endpoints(), url="/v1/webhook_endpoints"))


def retrieve(call: Call) -> Reply:
    """Answer `GET /v1/webhook_endpoints/{id}`."""
    return Reply(body=render(_named(call)))


def render(endpoint: Endpoint) -> JsonObject:
    """Return an endpoint as the API shows it: its secret is shown once, when the endpoint is made."""
    return {
        "id": endpoint.id,
        "object": "webhook_endpoint",
        "api_version": API_VERSION,
        "application": None,
        "created": endpoint.created,
        "description": endpoint.description,
        "enabled_events": list(endpoint.enabled_events),
        "livemode": False,
        "metadata": dict(endpoint.metadata),
        "status": endpoint.status,
        "url": endpoint.url,
    }


def _visible(call: Call) -> list[tuple[int, Endpoint]]:
    """Return the endpoints of the account, and those of the settings, which belong to every account."""
    ours = [each for each in call.world.webhooks.endpoints if each.account in {None, call.account}]
    return list(enumerate(ours, start=1))


def _named(call: Call) -> Endpoint:
    requested = call.path["webhook_endpoint"]
    found = next((endpoint for _, endpoint in _visible(call) if endpoint.id == requested), None)
    if found is None:
        raise resource_missing("webhook endpoint", requested, param="webhook_endpoint")
    return found


def _own(call: Call) -> Endpoint:
    endpoint = _named(call)
    if endpoint.account is None:
        raise StripeError(
            f"The webhook endpoint {endpoint.id} is everybody's: the sandbox's settings or panel made it."
        )
    return endpoint


def _url(url: str) -> str:
    if not _URL.fullmatch(url):
        raise invalid_parameter("Not a valid URL", param="url", code="url_invalid")
    return url


def _types(names: list[str]) -> list[str]:
    for number, name in enumerate(names):
        if not _TYPE.fullmatch(name):
            raise invalid_parameter(f"Invalid enabled_events[{number}]: {name}", param=f"enabled_events[{number}]")
    if not names:
        raise invalid_parameter("Invalid array", param="enabled_events")
    return list(names)


_SHARED = (text("description", clearable=True), METADATA)
_OF_ONE = "/v1/webhook_endpoints/{webhook_endpoint}"
OPERATIONS = (
    ApiOperation(
        method="POST",
        path="/v1/webhook_endpoints",
        accepts=spec(
            text("url", required=True),
            texts("enabled_events", required=True),
            *_SHARED,
            choice("api_version", API_VERSION),
            *unmodelled("connect"),
        ),
        run=create,
    ),
    ApiOperation(
        method="POST",
        path=_OF_ONE,
        accepts=spec(text("url"), texts("enabled_events"), flag("disabled"), *_SHARED),
        run=update,
    ),
    ApiOperation(method="DELETE", path=_OF_ONE, accepts=spec(), run=delete),
    ApiOperation(
        method="GET",
        path="/v1/webhook_endpoints",
        accepts=spec(LIMIT, text("starting_after"), text("ending_before")),
        run=list_,
    ),
    ApiOperation(method="GET", path=_OF_ONE, accepts=spec(), run=retrieve),
)
