"""Delays, the clock, what happens by itself or late, and a fresh start."""

from dataclasses import asdict, dataclass, fields

from pydantic import Field
from starlette.requests import Request
from starlette.routing import Route

from infra.stripe_sandbox.behaviour import Behaviour
from infra.stripe_sandbox.json_types import Json
from infra.stripe_sandbox.latency import Delays, Latency
from infra.stripe_sandbox.panel import Body, Panel, RefusedError, json_body, parsed
from infra.stripe_sandbox.payouts.daily import switch_daily_payouts
from infra.stripe_sandbox.transitions import settle_due

MAX_DELAY_MS = 600_000
A_YEAR_S = 366 * 24 * 3600


class ClockChange(Body):
    """How the sandbox's clock is changed."""

    advance_s: float = Field(default=0, ge=0, le=10 * A_YEAR_S)
    rate: float | None = Field(default=None, gt=0, le=A_YEAR_S)


class BehaviourChange(Body):
    """The parts of the sandbox's behaviour that change."""

    automatic_payouts: bool | None = None
    booking_lag_s: float | None = Field(default=None, ge=0, le=A_YEAR_S)
    cards_want_return_url: bool | None = None
    search_lag_s: float | None = Field(default=None, ge=0, le=A_YEAR_S)


@dataclass(frozen=True, kw_only=True, slots=True)
class TimePages:
    """The pages that change time."""

    panel: Panel
    latency: Latency

    def routes(self) -> list[Route]:
        """Return the pages' routes."""
        return [
            Route("/_sandbox/latency", self.panel.page(self._latency), methods=["GET", "POST"]),
            Route("/_sandbox/clock", self.panel.page(self._clock), methods=["GET", "POST"]),
            Route("/_sandbox/behaviour", self.panel.page(self._behaviour), methods=["GET", "POST"]),
            Route("/_sandbox/reset", self.panel.page(self._reset), methods=["POST"]),
        ]

    async def _latency(self, request: Request) -> Json:
        if request.method == "POST":
            body = await json_body(request)
            known = {field.name for field in fields(Delays)}
            delays = {
                name: value
                for name, value in body.items()
                if name in known and isinstance(value, int) and 0 <= value <= MAX_DELAY_MS
            }
            if len(delays) < len(body):
                wrong = ", ".join(sorted(body.keys() - delays.keys()))
                raise RefusedError(f"not a delay in milliseconds up to {MAX_DELAY_MS}: {wrong}")
            self.latency.change(delays)
        return asdict(self.latency.delays)

    async def _clock(self, request: Request) -> Json:
        world = self.panel.world
        if request.method == "POST":
            change = await parsed(request, ClockChange)
            with world.transaction():
                world.clock.advance(change.advance_s)
                if change.rate is not None:
                    world.clock.run_at(change.rate)
            settle_due(world)
            world.webhooks.added.set()
        return {"now": world.clock(), "real_now": world.clock.real(), "rate": world.clock.rate}

    async def _behaviour(self, request: Request) -> Json:
        world = self.panel.world
        if request.method == "POST":
            change = await parsed(request, BehaviourChange)
            for name in ("booking_lag_s", "cards_want_return_url", "search_lag_s"):
                if getattr(change, name) is not None:
                    setattr(world.behaviour, name, getattr(change, name))
            if change.automatic_payouts is not None:
                switch_daily_payouts(world, on=change.automatic_payouts)
                world.webhooks.added.set()
        return asdict(world.behaviour)

    async def _reset(self, _: Request) -> Json:
        world = self.panel.world
        world.store.reset()
        world.clock.reset()
        world.faults.reload()
        world.webhooks.endpoints.reload()
        switch_daily_payouts(world, on=False)
        for each in fields(Behaviour):
            setattr(world.behaviour, each.name, each.default)
        world.restricted_keys.made.clear()
        self.latency.delays = Delays()
        return {"reset": True}
