"""The control panel: what tests and people may do to the sandbox itself. It asks for no key; it listens locally.

GET  /_sandbox/state                                      how much of everything there is
GET  /_sandbox/payment_intents | charges | refunds        all of it, of every account; filter: metadata[key]=value
GET  /_sandbox/latency, POST {before_ms?, after_ms?, jitter_ms?}
POST /_sandbox/reset                                      forget everything, delays included
POST /_sandbox/payment_intents/{id}/authenticate {outcome: succeed|fail}; GET shows a page for people
POST /_sandbox/refunds/{id}/settle                        move a refund now that would move later
"""

from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, fields
from typing import TypeVar

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from infra.stripe_sandbox.authentication_page import AuthenticationPage
from infra.stripe_sandbox.charges.model import Charge
from infra.stripe_sandbox.charges.render import render as render_charge
from infra.stripe_sandbox.commits import Commits
from infra.stripe_sandbox.errors import BAD_REQUEST, NOT_FOUND, StripeError
from infra.stripe_sandbox.forms import decode
from infra.stripe_sandbox.json_types import Json, JsonObject
from infra.stripe_sandbox.latency import Delays, Latency
from infra.stripe_sandbox.operation import World
from infra.stripe_sandbox.panel import error_response, json_body, json_response
from infra.stripe_sandbox.payment_intents.model import PaymentIntent
from infra.stripe_sandbox.payment_intents.render import render as render_intent
from infra.stripe_sandbox.records import Record
from infra.stripe_sandbox.refunds.model import Refund
from infra.stripe_sandbox.refunds.render import render as render_refund
from infra.stripe_sandbox.refunds.settle import settle, settle_due

R = TypeVar("R", bound=Record)
MAX_DELAY_MS = 600_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Admin:
    """The panel of one sandbox."""

    world: World
    latency: Latency
    commits: Commits

    def routes(self) -> list[Route]:
        """Return the panel's routes."""
        return [
            Route("/_sandbox/state", self._state, methods=["GET"]),
            Route("/_sandbox/payment_intents", self._export(PaymentIntent, render_intent), methods=["GET"]),
            Route("/_sandbox/charges", self._export(Charge, render_charge), methods=["GET"]),
            Route("/_sandbox/refunds", self._export(Refund, render_refund), methods=["GET"]),
            Route("/_sandbox/latency", self._latency, methods=["GET", "POST"]),
            Route("/_sandbox/reset", self._reset, methods=["POST"]),
            *AuthenticationPage(world=self.world, commits=self.commits).routes(),
            Route("/_sandbox/refunds/{refund}/settle", self._settle, methods=["POST"]),
        ]

    async def _state(self, _: Request) -> Response:
        settle_due(self.world)
        counts: dict[str, Json] = dict(self.world.store.counts())
        counts["idempotency_keys"] = self.world.store.count_keys()
        await self.commits.done()
        return _answer(counts)

    def _export(self, model: type[R], render: Callable[[R], JsonObject]) -> Callable[[Request], Awaitable[Response]]:
        async def export(request: Request) -> Response:
            try:
                wanted = decode(request.scope["query_string"]).get("metadata", {})
            except StripeError as error:
                return error_response(BAD_REQUEST, str(error))
            if not isinstance(wanted, dict):
                return error_response(BAD_REQUEST, "write the filter as metadata[key]=value")
            settle_due(self.world)
            records = self.world.store.everything(model)
            answer = _answer([render(record) for record in records if wanted.items() <= record.metadata.items()])
            # What was read may not be committed yet, and is only told afterwards.
            await self.commits.done()
            return answer

        return export

    async def _latency(self, request: Request) -> Response:
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
                return error_response(BAD_REQUEST, f"not a delay in milliseconds up to {MAX_DELAY_MS}: {wrong}")
            self.latency.change(delays)
        return _answer(asdict(self.latency.delays))

    async def _reset(self, _: Request) -> Response:
        self.world.store.reset()
        await self.commits.done()
        self.latency.delays = Delays()
        return _answer({"reset": True})

    async def _settle(self, request: Request) -> Response:
        with self.world.store.transaction():
            refund = settle(self.world, request.path_params["refund"])
        await self.commits.done()
        return error_response(NOT_FOUND, "no such refund") if refund is None else _answer(render_refund(refund))


def _answer(body: Json) -> Response:
    return json_response(orjson.dumps(body))
