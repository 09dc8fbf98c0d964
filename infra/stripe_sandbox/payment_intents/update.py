"""Updating: https://docs.stripe.com/api/payment_intents/update."""

from dataclasses import replace

from infra.stripe_sandbox.currencies import check_amount, check_currency
from infra.stripe_sandbox.customers.lookup import check_customer, check_same_customer
from infra.stripe_sandbox.errors import StripeError
from infra.stripe_sandbox.expand import expanded
from infra.stripe_sandbox.operation import ApiOperation, Call, Reply
from infra.stripe_sandbox.params import METADATA, choice, spec, text
from infra.stripe_sandbox.payment_intents.fields import (
    AMOUNT,
    DESCRIPTIVE,
    FUTURE_USAGES,
    SHARED,
    UNMODELLED_FOR_ALL,
    UNMODELLED_FOR_PLATFORMS,
    described,
    shipping,
    termed,
)
from infra.stripe_sandbox.payment_intents.lookup import named_intent
from infra.stripe_sandbox.payment_intents.model import (
    CONFIRMABLE,
    REQUIRES_CONFIRMATION,
    REQUIRES_PAYMENT_METHOD,
    PaymentIntent,
)
from infra.stripe_sandbox.payment_intents.render import render
from infra.stripe_sandbox.payment_methods import use

_BEFORE_CONFIRMATION_ONLY = ("amount", "currency", "payment_method", "allowed_payment_method_types", "capture_method")


def update(call: Call) -> Reply:
    """Change what may be changed: texts and metadata always, the rest only before the intent is confirmed."""
    before = named_intent(call)
    params = call.params
    for name in _BEFORE_CONFIRMATION_ONLY:
        if name in params and before.status not in CONFIRMABLE:
            raise _not_updatable(before, name)
    check_customer(call)
    check_same_customer(params, before.customer)
    intent = replace(
        termed(described(before, params), params),
        amount=params.integer_or("amount", before.amount),
        currency=check_currency(params.word_or("currency", before.currency)),
    )
    if "amount" in params or "currency" in params:
        check_amount(intent.amount, intent.currency)
    method = params.text("payment_method")
    if method is not None:
        intent = replace(intent, payment_method=use(call, method, intent).id)
        if intent.status == REQUIRES_PAYMENT_METHOD:
            intent = replace(intent, status=REQUIRES_CONFIRMATION)
    elif "payment_method" in params:
        intent = replace(intent, payment_method=None, status=REQUIRES_PAYMENT_METHOD, next_action=None)
    call.store.update(call.account, intent, before=before)
    return Reply(body=expanded(call, render(intent)))


def _not_updatable(intent: PaymentIntent, name: str) -> StripeError:
    return StripeError(
        f"This PaymentIntent's {name} could not be updated because it has a status of {intent.status}. You may only "
        f"update the {name} of a PaymentIntent with one of the following statuses: {', '.join(CONFIRMABLE)}.",
        code="payment_intent_unexpected_state",
        param=name,
        members={"payment_intent": render(intent)},
    )


OPERATION = ApiOperation(
    method="POST",
    path="/v1/payment_intents/{intent}",
    accepts=spec(
        *AMOUNT,
        text("payment_method", clearable=True),
        METADATA,
        *DESCRIPTIVE,
        shipping(),
        choice("setup_future_usage", *FUTURE_USAGES, clearable=True),
        *SHARED,
        *UNMODELLED_FOR_ALL,
        *UNMODELLED_FOR_PLATFORMS,
    ),
    run=update,
)
