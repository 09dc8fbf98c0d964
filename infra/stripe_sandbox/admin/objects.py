"""Looking at everything, of every account."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from infra.stripe_sandbox.balance.render import render as render_row
from infra.stripe_sandbox.charges.model import Charge
from infra.stripe_sandbox.charges.render import render as render_charge
from infra.stripe_sandbox.customers.model import Customer
from infra.stripe_sandbox.customers.render import render as render_customer
from infra.stripe_sandbox.disputes.model import Dispute
from infra.stripe_sandbox.disputes.render import render as render_dispute
from infra.stripe_sandbox.errors import StripeError
from infra.stripe_sandbox.events.render import render as render_event
from infra.stripe_sandbox.forms import decode
from infra.stripe_sandbox.json_types import Json, JsonObject
from infra.stripe_sandbox.panel import Panel, RefusedError
from infra.stripe_sandbox.payment_intents.model import PaymentIntent
from infra.stripe_sandbox.payment_intents.render import render as render_intent
from infra.stripe_sandbox.payouts.model import Payout
from infra.stripe_sandbox.payouts.render import render as render_payout
from infra.stripe_sandbox.refunds.model import Refund
from infra.stripe_sandbox.refunds.render import render as render_refund

Shown = Callable[[], Iterable[JsonObject]]


@dataclass(frozen=True, kw_only=True, slots=True)
class ObjectPages:
    """The pages that show objects."""

    panel: Panel

    def routes(self) -> list[Route]:
        """Return the pages' routes."""
        store = self.panel.world.store
        exports: dict[str, Shown] = {
            "payment_intents": lambda: map(render_intent, store.everything(PaymentIntent)),
            "charges": lambda: map(render_charge, store.everything(Charge)),
            "refunds": lambda: map(render_refund, store.everything(Refund)),
            "customers": lambda: map(render_customer, store.everything(Customer)),
            "disputes": lambda: map(render_dispute, store.everything(Dispute)),
            "payouts": lambda: map(render_payout, store.everything(Payout)),
            "balance_transactions": self._rows,
            "events": self._events,
        }
        return [
            Route("/_sandbox/state", self.panel.page(self._state), methods=["GET"]),
            *(Route(f"/_sandbox/{name}", self._export(shown), methods=["GET"]) for name, shown in exports.items()),
        ]

    async def _state(self, _: Request) -> Json:
        world = self.panel.world
        others = {
            "balance_transactions": world.ledger.counts(),
            "events": world.events.counts(),
            "deliveries": world.webhooks.counts(),
        }
        return {
            **world.store.counts(),
            "idempotency_keys": world.store.count_keys(),
            **{name: counts for name, counts in others.items() if counts},
        }

    def _export(self, shown: Shown) -> Callable[[Request], Awaitable[Response]]:
        async def export(request: Request) -> Json:
            try:
                requested = decode(request.scope["query_string"]).get("metadata", {})
            except StripeError as error:
                raise RefusedError(str(error)) from error
            if not isinstance(requested, dict):
                raise RefusedError("write the filter as metadata[key]=value")
            return [each for each in shown() if requested.items() <= _metadata(each).items()]

        return self.panel.page(export)

    def _rows(self) -> Iterable[JsonObject]:
        world = self.panel.world
        return (
            {**render_row(row, world.now), "account": row.account, "payout": row.payout, "shown": bool(row.shown)}
            for row in world.ledger.everything()
        )

    def _events(self) -> Iterable[JsonObject]:
        world = self.panel.world
        return (
            {**render_event(event, pending_webhooks=world.webhooks.pending_of(event.id)), "account": event.account}
            for event in world.events.everything()
        )


def _metadata(shown: JsonObject) -> dict[str, Json]:
    metadata = shown.get("metadata")
    return dict(metadata) if isinstance(metadata, dict) else {}
