"""Reading charges."""

from infra.stripe_sandbox.charges.model import Charge
from infra.stripe_sandbox.charges.render import render
from infra.stripe_sandbox.errors import resource_missing
from infra.stripe_sandbox.expand import expanded
from infra.stripe_sandbox.operation import ApiOperation, Call, Reply
from infra.stripe_sandbox.pages import PAGE_PARAMS, list_page
from infra.stripe_sandbox.params import spec, text


def retrieve(call: Call) -> Reply:
    """Answer `GET /v1/charges/{id}`."""
    charge = call.store.get(Charge, call.account, call.path["charge"])
    if charge is None:
        raise resource_missing("charge", call.path["charge"], param="id")
    return Reply(body=expanded(call, render(charge)))


def list_(call: Call) -> Reply:
    """Return a page of charges, newest first, of one payment intent, customer or group where asked."""
    return Reply(body=list_page(call, Charge, render, url="/v1/charges"))


OPERATIONS = (
    ApiOperation(
        method="GET",
        path="/v1/charges",
        accepts=spec(*PAGE_PARAMS, text("customer"), text("payment_intent"), text("transfer_group")),
        run=list_,
    ),
    ApiOperation(method="GET", path="/v1/charges/{charge}", accepts=spec(), run=retrieve),
)
