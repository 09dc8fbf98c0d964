"""Retrieving and listing payment intents."""

from infra.stripe_sandbox.errors import invalid_parameter
from infra.stripe_sandbox.expand import expanded
from infra.stripe_sandbox.operation import Call, Operation, Reply
from infra.stripe_sandbox.pages import PAGE_PARAMS, list_page
from infra.stripe_sandbox.params import spec, text, unmodelled
from infra.stripe_sandbox.payment_intents.lookup import named_intent
from infra.stripe_sandbox.payment_intents.model import PaymentIntent
from infra.stripe_sandbox.payment_intents.render import render


def retrieve(call: Call) -> Reply:
    """Return one intent."""
    intent = named_intent(call)
    secret = call.params.text("client_secret")
    if secret is not None and secret != intent.client_secret:
        raise invalid_parameter(
            "The client_secret provided does not match the client_secret associated with the PaymentIntent.",
            param="client_secret",
        )
    return Reply(body=expanded(call, render(intent)))


def list_(call: Call) -> Reply:
    """Return a page of intents, newest first."""
    return Reply(body=list_page(call, PaymentIntent, render, url="/v1/payment_intents"))


RETRIEVE = Operation(
    method="GET", path="/v1/payment_intents/{intent}", accepts=spec(text("client_secret")), run=retrieve
)
LIST = Operation(
    method="GET",
    path="/v1/payment_intents",
    accepts=spec(*PAGE_PARAMS, *unmodelled("customer", "customer_account")),
    run=list_,
)
