"""The sandbox as a web application."""

import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from infra.stripe_sandbox import account
from infra.stripe_sandbox.admin import Admin
from infra.stripe_sandbox.api import Api
from infra.stripe_sandbox.charges import operations as charges
from infra.stripe_sandbox.commits import Commits
from infra.stripe_sandbox.ids import Clock, Ids, system_clock
from infra.stripe_sandbox.latency import Latency
from infra.stripe_sandbox.operation import Operation, World
from infra.stripe_sandbox.payment_intents import operations as payment_intents
from infra.stripe_sandbox.refunds import operations as refunds
from infra.stripe_sandbox.store import Store

DEFAULT_SETTLE_MS = 2000
ALL_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
OPERATIONS: tuple[Operation, ...] = (
    *payment_intents.OPERATIONS,
    *refunds.OPERATIONS,
    *charges.OPERATIONS,
    *account.OPERATIONS,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Sandbox:
    """The parts of a running sandbox."""

    app: Starlette
    world: World
    latency: Latency


def build_sandbox(
    store: Store,
    *,
    latency: Latency | None = None,
    settle_ms: int = DEFAULT_SETTLE_MS,
    clock: Clock = system_clock,
    seed: int | None = None,
    extra_operations: Sequence[Operation] = (),
    extra_routes: Sequence[BaseRoute] = (),
) -> Sandbox:
    """Return a sandbox over a store, which stays the caller's to close.

    A seed makes the random part of ids repeatable. Extra operations stand before the sandbox's own.
    """
    rng = random.Random(seed)  # noqa: S311 - repeatable on purpose
    world = World(store=store, clock=clock, ids=Ids(clock=clock, rng=rng), settle_ms=settle_ms)
    delays = latency or Latency()
    commits = Commits(store=store)
    api = Api(world=world, latency=delays, commits=commits)
    admin = Admin(world=world, latency=delays, commits=commits)
    routes = [
        *(_route(api, operation) for operation in (*extra_operations, *OPERATIONS)),
        *admin.routes(),
        *extra_routes,
        Route("/{path:path}", api.refuse_unknown, methods=ALL_METHODS),
    ]
    return Sandbox(app=Starlette(routes=routes), world=world, latency=delays)


def _route(api: Api, operation: Operation) -> Route:
    def endpoint_of(operation: Operation) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            return await api.serve(operation, request)

        return endpoint

    return Route(operation.path, endpoint_of(operation), methods=[operation.method])
