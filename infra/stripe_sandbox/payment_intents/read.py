"""Retrieving and listing payment intents."""

from infra.stripe_sandbox.expand import expanded
from infra.stripe_sandbox.operation import ApiOperation, Call, Reply
from infra.stripe_sandbox.pages import PAGE_PARAMS, list_page
from infra.stripe_sandbox.params import spec, text, unmodelled
from infra.stripe_sandbox.payment_intents.lookup import check_secret, named_intent
from infra.stripe_sandbox.payment_intents.model import PaymentIntent
from infra.stripe_sandbox.payment_intents.render import render


def retrieve(call: Call) -> Reply:
    """Answer `GET /v1/payment_intents/{id}`."""
    intent = named_intent(call)
    check_secret(call, intent)
    return Reply(body=expanded(call, render(intent)))


def list_(call: Call) -> Reply:
    """Return a page of intents, newest first."""
    return Reply(body=list_page(call, PaymentIntent, render, url="/v1/payment_intents"))


RETRIEVE = ApiOperation(
    method="GET", path="/v1/payment_intents/{intent}", accepts=spec(text("client_secret")), run=retrieve
)
LIST = ApiOperation(
    method="GET",
    path="/v1/payment_intents",
    accepts=spec(*PAGE_PARAMS, text("customer"), *unmodelled("customer_account")),
    run=list_,
)
