"""The sandbox as a web application."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from infra.stripe_sandbox import account
from infra.stripe_sandbox.admin.routes import panel_routes
from infra.stripe_sandbox.api import Api
from infra.stripe_sandbox.balance import operations as balance
from infra.stripe_sandbox.balance.ledger import Ledger
from infra.stripe_sandbox.behaviour import Behaviour
from infra.stripe_sandbox.charges import operations as charges
from infra.stripe_sandbox.clock import SandboxClock
from infra.stripe_sandbox.commits import Commits
from infra.stripe_sandbox.customers import operations as customers
from infra.stripe_sandbox.disputes import operations as disputes
from infra.stripe_sandbox.events import operations as events
from infra.stripe_sandbox.events.log import EventLog
from infra.stripe_sandbox.faults.registry import Faults
from infra.stripe_sandbox.http_app import OperationTable, SandboxApp
from infra.stripe_sandbox.ids import Clock, Ids, system_clock
from infra.stripe_sandbox.latency import Latency
from infra.stripe_sandbox.operation import ApiOperation, World
from infra.stripe_sandbox.panel import Panel
from infra.stripe_sandbox.payment_intents import operations as payment_intents
from infra.stripe_sandbox.payouts import operations as payouts
from infra.stripe_sandbox.payouts.daily import switch_daily_payouts
from infra.stripe_sandbox.refunds import operations as refunds
from infra.stripe_sandbox.restricted_keys import RestrictedKeys
from infra.stripe_sandbox.store import Store
from infra.stripe_sandbox.webhooks import operations as webhook_endpoints
from infra.stripe_sandbox.webhooks.dispatcher import Dispatcher
from infra.stripe_sandbox.webhooks.endpoints import Endpoint, Endpoints
from infra.stripe_sandbox.webhooks.queue import WebhookQueue
from infra.stripe_sandbox.webhooks.transport import HttpTransport, Transport

DEFAULT_SETTLE_MS = 2000
DEFAULT_WEBHOOK_TIMEOUT_S = 10.0
ALL_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
OPERATIONS: tuple[ApiOperation, ...] = (
    *payment_intents.OPERATIONS,
    *refunds.OPERATIONS,
    *charges.OPERATIONS,
    *customers.OPERATIONS,
    *disputes.OPERATIONS,
    *payouts.OPERATIONS,
    *balance.OPERATIONS,
    *events.OPERATIONS,
    *webhook_endpoints.OPERATIONS,
    *account.OPERATIONS,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Sandbox:
    """The parts of a running sandbox. The dispatcher sends webhooks while its `run` runs."""

    app: ASGIApp
    world: World
    latency: Latency
    dispatcher: Dispatcher


def build_sandbox(
    store: Store,
    *,
    latency: Latency | None = None,
    settle_ms: int = DEFAULT_SETTLE_MS,
    behaviour: Behaviour | None = None,
    clock: Clock = system_clock,
    seed: int | None = None,
    endpoints: Sequence[Endpoint] = (),
    transport: Transport | None = None,
    extra_operations: Sequence[ApiOperation] = (),
    extra_routes: Sequence[BaseRoute] = (),
) -> Sandbox:
    """Return a sandbox over a store, which stays the caller's to close.

    A seed makes the random part of ids repeatable. Extra operations stand before the sandbox's own.
    """
    world = _world(
        store,
        clock=clock,
        seed=seed,
        settle_ms=settle_ms,
        behaviour=behaviour or Behaviour(),
        endpoints=tuple(endpoints),
    )
    switch_daily_payouts(world, on=world.behaviour.automatic_payouts)
    delays = latency or Latency()
    commits = Commits(store=store)
    api = Api(world=world, latency=delays, commits=commits)
    others = Starlette(
        routes=[
            *panel_routes(Panel(world=world, commits=commits), delays),
            *extra_routes,
            Route("/{path:path}", api.refuse_unknown, methods=ALL_METHODS),
        ]
    )
    table = OperationTable.of((*extra_operations, *OPERATIONS))
    dispatcher = Dispatcher(
        world=world,
        commits=commits,
        transport=transport or HttpTransport(DEFAULT_WEBHOOK_TIMEOUT_S),
        real_clock=clock,
    )
    return Sandbox(
        app=SandboxApp(operations=table, serve=api.serve, others=others),
        world=world,
        latency=delays,
        dispatcher=dispatcher,
    )


def _world(
    store: Store,
    *,
    clock: Clock,
    seed: int | None,
    settle_ms: int,
    behaviour: Behaviour,
    endpoints: tuple[Endpoint, ...],
) -> World:
    ids = Ids(clock=clock, rng=random.Random(seed))  # noqa: S311 - repeatable on purpose
    sandbox_clock = SandboxClock(store, clock)
    faults = Faults(store)
    webhooks = WebhookQueue(store, sandbox_clock, Endpoints(store, endpoints), faults)
    return World(
        store=store,
        clock=sandbox_clock,
        ids=ids,
        faults=faults,
        ledger=Ledger(store, sandbox_clock, ids, faults),
        events=EventLog(store, sandbox_clock, ids, webhooks),
        webhooks=webhooks,
        behaviour=behaviour,
        restricted_keys=RestrictedKeys(),
        settle_ms=settle_ms,
    )
