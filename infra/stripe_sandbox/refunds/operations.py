"""The endpoints of refunds."""

from dataclasses import replace

from infra.stripe_sandbox.errors import StripeError, resource_missing
from infra.stripe_sandbox.expand import expanded
from infra.stripe_sandbox.operation import ApiOperation, Call, Reply
from infra.stripe_sandbox.pages import PAGE_PARAMS, list_page
from infra.stripe_sandbox.params import METADATA, spec, text
from infra.stripe_sandbox.refunds import create
from infra.stripe_sandbox.refunds.model import CANCELED, REQUIRES_ACTION, Refund
from infra.stripe_sandbox.refunds.render import render
from infra.stripe_sandbox.refunds.settle import settle


def retrieve(call: Call) -> Reply:
    """Answer `GET /v1/refunds/{id}`."""
    return Reply(body=expanded(call, render(_named(call))))


def list_(call: Call) -> Reply:
    """Return a page of refunds, newest first, of one charge or payment intent where asked."""
    return Reply(body=list_page(call, Refund, render, url="/v1/refunds"))


def update(call: Call) -> Reply:
    """Change a refund's metadata, the only thing that can be changed."""
    before = _named(call)
    refund = replace(before, metadata=call.params.metadata().apply(before.metadata))
    call.store.update(call.account, refund, before=before)
    if refund != before:
        call.world.events.emit(call.cause, "refund.updated", refund, before=before)
        call.world.events.emit(call.cause, "charge.refund.updated", refund, before=before)
    return Reply(body=expanded(call, render(refund)))


def cancel(call: Call) -> Reply:
    """End a refund that waits for the customer."""
    before = _named(call)
    if before.status != REQUIRES_ACTION:
        raise StripeError(
            f"Refund {before.id} cannot be canceled because it has a status of {before.status}. Only a refund with a "
            "status of requires_action can be canceled."
        )
    return Reply(body=expanded(call, render(settle(call.world, call.cause, before, CANCELED))))


def _named(call: Call) -> Refund:
    refund = call.store.get(Refund, call.account, call.path["refund"])
    if refund is None:
        raise resource_missing("refund", call.path["refund"], param="id")
    return refund


OPERATIONS = (
    create.OPERATION,
    ApiOperation(
        method="GET",
        path="/v1/refunds",
        accepts=spec(*PAGE_PARAMS, text("charge"), text("payment_intent")),
        run=list_,
    ),
    ApiOperation(method="GET", path="/v1/refunds/{refund}", accepts=spec(), run=retrieve),
    ApiOperation(method="POST", path="/v1/refunds/{refund}", accepts=spec(METADATA), run=update),
    ApiOperation(method="POST", path="/v1/refunds/{refund}/cancel", accepts=spec(), run=cancel),
)
