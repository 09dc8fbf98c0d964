"""The bank's page: where a customer with a card that needs authentication is sent, and sent back from.

https://docs.stripe.com/payments/3d-secure/authentication-flow. A person sees the amount and the merchant and presses a
button; tests post `{"outcome": "succeed"}` or `"fail"` to the same address and get the payment intent. Whoever has the
address is the customer at most, so that neither is told the client secret.
"""

from dataclasses import dataclass
from html import escape
from urllib.parse import urlencode

import orjson
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from infra.stripe_sandbox.account import DISPLAY_NAME
from infra.stripe_sandbox.commits import Commits
from infra.stripe_sandbox.currencies import formatted
from infra.stripe_sandbox.errors import BAD_REQUEST, CONFLICT, NOT_FOUND, StripeError
from infra.stripe_sandbox.forms import decode
from infra.stripe_sandbox.operation import World
from infra.stripe_sandbox.panel import error_response, json_body, json_response
from infra.stripe_sandbox.payment_intents.authenticate import AuthenticationOutcome, NotWaitingError, authenticate
from infra.stripe_sandbox.payment_intents.confirm import AUTHENTICATION_PATH
from infra.stripe_sandbox.payment_intents.model import REQUIRES_ACTION, REQUIRES_PAYMENT_METHOD, PaymentIntent
from infra.stripe_sandbox.payment_intents.render import render

OK = 200
SEE_OTHER = 303
FORM = "application/x-www-form-urlencoded"

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>3D Secure (Stripe sandbox)</title>
<h1>3D Secure</h1>
{body}
<p><small>A page of the Stripe sandbox: no bank and no money are behind it. {intent}</small></p>
</html>
"""
_QUESTION = """<p>{merchant} asks for <strong>{amount}</strong>. Your bank asks whether this payment is yours.</p>
<form method="post">
<button name="outcome" value="succeed">Complete</button>
<button name="outcome" value="fail">Fail</button>
</form>"""
_NOTHING_TO_DO = "<p>{amount} to {merchant}: there is nothing to authenticate. {how_it_stands}</p>"
_UNKNOWN = "<p>There is no such payment.</p>"
_HOW_IT_STANDS = {
    "succeeded": "The payment has succeeded.",
    "requires_capture": "The payment is authorized.",
    "processing": "The payment is being processed.",
    "canceled": "The payment is canceled.",
    REQUIRES_PAYMENT_METHOD: "The payment has failed: go back to the shop and pay in another way.",
    "requires_confirmation": "The payment has not been tried: go back to the shop.",
}
# Its one form goes back to where it came from, and from there to the shop, which may be anywhere.
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; frame-ancestors *",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


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
        intent = self._intent(request)
        return _page(_UNKNOWN, status=NOT_FOUND) if intent is None else _of(intent)

    async def _finish(self, request: Request) -> Response:
        body = await request.body()
        by_hand = request.headers.get("content-type", "").startswith(FORM) and not body.startswith(b"{")
        try:
            sent = decode(body) if by_hand else await json_body(request)
            outcome = AuthenticationOutcome(str(sent.get("outcome")))
        except (ValueError, StripeError):
            return error_response(BAD_REQUEST, f"outcome must be one of {', '.join(AuthenticationOutcome)}")
        before = self._intent(request)
        if before is None:
            return _page(_UNKNOWN, status=NOT_FOUND) if by_hand else error_response(NOT_FOUND, "no such payment intent")
        try:
            after = authenticate(self.world, before.id, outcome)
            await self.commits.done()
        except NotWaitingError as error:
            return _of(before) if by_hand else error_response(CONFLICT, str(error))
        if by_hand:
            return _back(before, after)
        shown = {name: value for name, value in render(after).items() if name != "client_secret"}
        return json_response(orjson.dumps(shown))

    def _intent(self, request: Request) -> PaymentIntent | None:
        located = self.world.store.locate(PaymentIntent, request.path_params["intent"])
        return None if located is None else located[1]


def _back(before: PaymentIntent, after: PaymentIntent) -> Response:
    """Send the customer back to the shop; where there is no way back, say how it ended.

    https://docs.stripe.com/payments/payment-intents/verifying-status: Stripe adds the client secret to the address.
    """
    back = _return_url(before)
    if back is None:
        return _of(after)
    status = "failed" if after.status == REQUIRES_PAYMENT_METHOD else "succeeded"
    query = urlencode(
        {
            "payment_intent": after.id,
            "payment_intent_client_secret": after.client_secret,
            "redirect_status": status,
        }
    )
    return RedirectResponse(f"{back}{'&' if '?' in back else '?'}{query}", status_code=SEE_OTHER, headers=_HEADERS)


def _of(intent: PaymentIntent) -> Response:
    body = _QUESTION if intent.status == REQUIRES_ACTION else _NOTHING_TO_DO
    return _page(
        body.format(
            merchant=escape(DISPLAY_NAME),
            amount=escape(_amount(intent)),
            how_it_stands=escape(_HOW_IT_STANDS.get(intent.status, "")),
        ),
        intent=intent.id,
    )


def _amount(intent: PaymentIntent) -> str:
    amount, currency = formatted(intent.amount, intent.currency), intent.currency.upper()
    return amount if amount.endswith(currency) else f"{amount} {currency}"


def _page(body: str, *, intent: str = "", status: int = OK) -> Response:
    return HTMLResponse(_PAGE.format(body=body, intent=escape(intent)), status_code=status, headers=_HEADERS)


def _return_url(intent: PaymentIntent) -> str | None:
    redirect = (intent.next_action or {}).get("redirect_to_url")
    return str(redirect["return_url"]) if isinstance(redirect, dict) else None
