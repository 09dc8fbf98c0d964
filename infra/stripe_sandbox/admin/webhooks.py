"""Where webhooks go, and what became of each."""

from dataclasses import dataclass, replace
from typing import Literal

from pydantic import Field
from starlette.requests import Request
from starlette.routing import Route

from infra.stripe_sandbox.json_types import Json
from infra.stripe_sandbox.panel import Body, Panel, parsed, unknown
from infra.stripe_sandbox.webhooks.endpoints import Endpoint

_DELIVERY = (
    "id",
    "event",
    "type",
    "endpoint",
    "state",
    "due",
    "attempts",
    "falsified",
    "last_status",
    "last_error",
)


class NewEndpoint(Body):
    """An endpoint as Stripe has it, with its secrets."""

    url: str = Field(pattern=r"^https?://")
    secrets: list[str] = Field(min_length=1)
    enabled_events: list[str] = Field(default=["*"], min_length=1)
    account: str | None = None
    connect: bool = False


class EndpointChange(Body):
    """The fields of an endpoint that change."""

    url: str | None = Field(default=None, pattern=r"^https?://")
    secrets: list[str] | None = Field(default=None, min_length=1)
    enabled_events: list[str] | None = Field(default=None, min_length=1)
    status: Literal["enabled", "disabled"] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class WebhookPages:
    """The pages about webhooks."""

    panel: Panel

    def routes(self) -> list[Route]:
        """Return the pages' routes."""
        page = self.panel.page
        return [
            Route("/_sandbox/webhook_endpoints", page(self._endpoints), methods=["GET"]),
            Route("/_sandbox/webhook_endpoints", page(self._add), methods=["POST"]),
            Route("/_sandbox/webhook_endpoints/{id}", page(self._change), methods=["POST"]),
            Route("/_sandbox/deliveries", page(self._deliveries), methods=["GET"]),
            Route("/_sandbox/deliveries/hasten", page(self._hasten), methods=["POST"]),
            Route("/_sandbox/events/{id}/send", page(self._send), methods=["POST"]),
        ]

    async def _endpoints(self, _: Request) -> Json:
        return [endpoint.shown() for endpoint in self.panel.world.webhooks.endpoints]

    async def _add(self, request: Request) -> Json:
        world, requested = self.panel.world, await parsed(request, NewEndpoint)
        endpoint = Endpoint(id=world.ids.new("we"), created=world.now, **requested.model_dump())
        with world.transaction():
            world.webhooks.endpoints.add(endpoint)
        return endpoint.shown()

    async def _change(self, request: Request) -> Json:
        world, change = self.panel.world, await parsed(request, EndpointChange)
        before = world.webhooks.endpoints.get(request.path_params["id"])
        if before is None:
            raise unknown("webhook endpoint")
        endpoint = replace(before, **change.model_dump(exclude_none=True))
        with world.transaction():
            world.webhooks.endpoints.change(endpoint, before=before)
        return endpoint.shown()

    async def _deliveries(self, request: Request) -> Json:
        found = self.panel.world.webhooks.everything(request.query_params.get("state"))
        return [dict(zip(_DELIVERY, row, strict=True)) for row in found]

    async def _hasten(self, _: Request) -> Json:
        with self.panel.world.transaction():
            self.panel.world.webhooks.hasten()
        return self.panel.world.webhooks.counts()

    async def _send(self, request: Request) -> Json:
        world = self.panel.world
        event = world.events.get(request.path_params["id"])
        if event is None:
            raise unknown("event")
        endpoints = [each for each in world.webhooks.endpoints if each.wants(event.account, event.type)]
        with world.transaction():
            for endpoint in endpoints:
                world.webhooks.send_again(endpoint, event.id, event.type)
        return {"endpoints": [endpoint.id for endpoint in endpoints]}
