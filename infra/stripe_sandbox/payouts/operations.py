"""Payouts over the API: https://docs.stripe.com/api/payouts."""

from dataclasses import replace

from infra.stripe_sandbox.currencies import check_currency
from infra.stripe_sandbox.errors import StripeError, invalid_parameter, resource_missing
from infra.stripe_sandbox.expand import expanded
from infra.stripe_sandbox.operation import ApiOperation, Call, Reply
from infra.stripe_sandbox.pages import PAGE_PARAMS, list_page
from infra.stripe_sandbox.params import METADATA, NEW_METADATA, choice, integer, spec, text, unmodelled
from infra.stripe_sandbox.payouts.make import DESCRIPTION, arrival, begin
from infra.stripe_sandbox.payouts.model import CANCELED, PENDING, Payout
from infra.stripe_sandbox.payouts.render import render
from infra.stripe_sandbox.payouts.settle import settle

_TOO_LITTLE = (
    "You have insufficient funds in your Stripe account for this transfer. Your card balance is too low. You can use "
    "the /v1/balance endpoint to view your Stripe balance (for more details, see stripe.com/docs/api#balance)."
)


BANK_ACCOUNT, CARD = "bank_account", "card"


def create(call: Call) -> Reply:
    """Pay out an amount of what is available."""
    params = call.params
    currency = check_currency(params.required_text("currency"))
    amount = params.required_integer("amount")
    if amount < 1:
        raise invalid_parameter(
            "This value must be greater than or equal to 1.", param="amount", code="parameter_invalid_integer"
        )
    if params.word_or("source_type", CARD) != CARD or amount > call.world.ledger.available(call.account, currency):
        raise StripeError(_TOO_LITTLE, code="balance_insufficient")
    payout = Payout(
        id=call.world.ids.new("po"),
        created=call.now,
        metadata=params.metadata().apply({}),
        amount=amount,
        currency=currency,
        status=PENDING,
        automatic=False,
        arrival_date=arrival(call.now),
        method=params.word_or("method", "standard"),
        description=params.text_or("description", DESCRIPTION),
        statement_descriptor=params.text("statement_descriptor"),
    )
    return Reply(body=expanded(call, render(begin(call.world, call.cause, payout))))


def retrieve(call: Call) -> Reply:
    """Answer `GET /v1/payouts/{id}`."""
    return Reply(body=expanded(call, render(_named(call))))


def list_(call: Call) -> Reply:
    """Return a page of payouts, newest first."""
    return Reply(body=list_page(call, Payout, render, url="/v1/payouts"))


def update(call: Call) -> Reply:
    """Change a payout's metadata, the only thing that can be changed."""
    before = _named(call)
    payout = replace(before, metadata=call.params.metadata().apply(before.metadata))
    call.store.update(call.account, payout, before=before)
    if payout != before:
        call.world.events.emit(call.cause, "payout.updated", payout, before=before)
    return Reply(body=expanded(call, render(payout)))


def cancel(call: Call) -> Reply:
    """Take back a payout that was asked for by hand and is not on its way yet."""
    before = _named(call)
    if before.automatic or before.status != PENDING:
        raise StripeError(
            f"Payouts can only be canceled while they are pending and were created manually; {before.id} is "
            f"{before.status}."
        )
    return Reply(body=expanded(call, render(settle(call.world, call.cause, before, CANCELED))))


def _named(call: Call) -> Payout:
    payout = call.store.get(Payout, call.account, call.path["payout"])
    if payout is None:
        raise resource_missing("payout", call.path["payout"], param="payout")
    return payout


OPERATIONS = (
    ApiOperation(
        method="POST",
        path="/v1/payouts",
        accepts=spec(
            integer("amount", required=True),
            text("currency", required=True),
            text("description"),
            choice("method", "instant", "standard"),
            choice("source_type", BANK_ACCOUNT, CARD, "fpx"),
            text("statement_descriptor", max_length=22),
            NEW_METADATA,
            *unmodelled("destination", "payout_method"),
        ),
        run=create,
    ),
    ApiOperation(
        method="GET",
        path="/v1/payouts",
        accepts=spec(
            *PAGE_PARAMS,
            text("status"),
            *unmodelled("arrival_date", "destination"),
        ),
        run=list_,
    ),
    ApiOperation(method="GET", path="/v1/payouts/{payout}", accepts=spec(), run=retrieve),
    ApiOperation(method="POST", path="/v1/payouts/{payout}", accepts=spec(METADATA), run=update),
    ApiOperation(method="POST", path="/v1/payouts/{payout}/cancel", accepts=spec(), run=cancel),
)
