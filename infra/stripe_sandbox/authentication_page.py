"""The bank's page: where a customer with a card that needs authentication is sent, and sent back from.

https://docs.stripe.com/payments/3d-secure/authentication-flow. A person presses a button here; tests post
`{"outcome": "succeed"}` or `"fail"` to the same address and get the payment intent.
"""

from dataclasses import dataclass
from html import escape
from urllib.parse import urlencode

import orjson
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from infra.stripe_sandbox.commits import Commits
from infra.stripe_sandbox.errors import BAD_REQUEST, CONFLICT, NOT_FOUND, StripeError
from infra.stripe_sandbox.forms import decode
from infra.stripe_sandbox.operation import World
from infra.stripe_sandbox.panel import error_response, json_body, json_response
from infra.stripe_sandbox.payment_intents.authenticate import NotWaitingError, Outcome, authenticate
from infra.stripe_sandbox.payment_intents.confirm import AUTHENTICATION_PATH
from infra.stripe_sandbox.payment_intents.model import REQUIRES_PAYMENT_METHOD, PaymentIntent
from infra.stripe_sandbox.payment_intents.render import render

SEE_OTHER = 303
FORM = "application/x-www-form-urlencoded"

_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>3D Secure (Stripe sandbox)</title>
<h1>3D Secure</h1><p>The sandbox's bank asks whether payment {intent} is yours.</p>
<form method="post"><button name="outcome" value="succeed">Complete</button>
<button name="outcome" value="fail">Fail</button></form></html>
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class AuthenticationPage:
    """The page and what its buttons do."""

    world: World
    commits: Commits

    def routes(self) -> list[Route]:
        """Return the page's routes."""
        return [
            Route(AUTHENTICATION_PATH, self._show, methods=["GET"]),
            Route(AUTHENTICATION_PATH, self._finish, methods=["POST"]),
        ]

    async def _show(self, request: Request) -> Response:
        return HTMLResponse(_PAGE.format(intent=escape(request.path_params["intent"])))

    async def _finish(self, request: Request) -> Response:
        by_hand = request.headers.get("content-type", "").startswith(FORM)
        try:
            sent = decode(await request.body()) if by_hand else await json_body(request)
            outcome = Outcome(str(sent.get("outcome")))
        except (ValueError, StripeError):
            return error_response(BAD_REQUEST, f"outcome must be one of {', '.join(Outcome)}")
        before = self.world.store.locate(PaymentIntent, request.path_params["intent"])
        if before is None:
            return error_response(NOT_FOUND, "no such payment intent")
        try:
            after = authenticate(self.world, before[1].id, outcome)
            await self.commits.done()
        except NotWaitingError as error:
            return error_response(CONFLICT, str(error))
        back = _return_url(before[1])
        if not by_hand or back is None:
            return json_response(orjson.dumps(render(after)))
        status = "failed" if after.status == REQUIRES_PAYMENT_METHOD else "succeeded"
        query = urlencode(
            {
                "payment_intent": after.id,
                "payment_intent_client_secret": after.client_secret,
                "redirect_status": status,
            }
        )
        return RedirectResponse(f"{back}{'&' if '?' in back else '?'}{query}", status_code=SEE_OTHER)


def _return_url(intent: PaymentIntent) -> str | None:
    redirect = (intent.next_action or {}).get("redirect_to_url")
    return str(redirect["return_url"]) if isinstance(redirect, dict) else None
