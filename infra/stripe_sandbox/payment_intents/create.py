"""Creating: https://docs.stripe.com/api/payment_intents/create."""

from dataclasses import replace

from infra.stripe_sandbox.currencies import check_amount, check_currency
from infra.stripe_sandbox.customers.lookup import check_customer
from infra.stripe_sandbox.errors import invalid_parameter
from infra.stripe_sandbox.expand import expanded
from infra.stripe_sandbox.json_types import JsonObject
from infra.stripe_sandbox.operation import ApiOperation, Call, Reply
from infra.stripe_sandbox.params import NEW_METADATA, choice, flag, integer, nested, spec, text, unmodelled
from infra.stripe_sandbox.payment_intents.attempt import Attempt
from infra.stripe_sandbox.payment_intents.confirm import confirmed, shown
from infra.stripe_sandbox.payment_intents.fields import (
    CONFIRMATION,
    DESCRIPTIVE,
    FUTURE_USAGES,
    SHARED,
    UNMODELLED_FOR_ALL,
    UNMODELLED_FOR_CONFIRMATION,
    UNMODELLED_FOR_PLATFORMS,
    refuse_without_confirm,
    shipping,
)
from infra.stripe_sandbox.payment_intents.keep import keep_new
from infra.stripe_sandbox.payment_intents.method_options import merged
from infra.stripe_sandbox.payment_intents.model import (
    ASYNC,
    REQUIRES_CONFIRMATION,
    REQUIRES_PAYMENT_METHOD,
    PaymentIntent,
)
from infra.stripe_sandbox.payment_intents.render import render
from infra.stripe_sandbox.payment_methods import use
from infra.stripe_sandbox.validation import Params


def create(call: Call) -> Reply:
    """Make an intent, and confirm it where asked; a decline then answers 402 and the intent stays."""
    params = call.params
    currency = check_currency(params.required_text("currency"))
    amount = params.required_integer("amount")
    check_amount(amount, currency)
    check_customer(call)
    confirm = params.flag("confirm")
    if not confirm:
        refuse_without_confirm(params)
    intent = _new_intent(call, amount=amount, currency=currency)
    method = params.text("payment_method")
    if confirm:
        result = confirmed(call, intent, payment_method=method)
        keep_new(call.world, call.cause, result, created=intent)
        return shown(call, result)
    if method is not None:
        intent = replace(intent, payment_method=use(call, method, intent).id, status=REQUIRES_CONFIRMATION)
    keep_new(call.world, call.cause, Attempt(intent=intent), created=intent)
    return Reply(body=expanded(call, render(intent)))


def _new_intent(call: Call, *, amount: int, currency: str) -> PaymentIntent:
    params = call.params
    intent_id = call.world.ids.new("pi")
    return PaymentIntent(
        id=intent_id,
        created=call.now,
        metadata=params.metadata().apply({}),
        amount=amount,
        currency=currency,
        status=REQUIRES_PAYMENT_METHOD,
        client_secret=call.world.ids.client_secret(intent_id),
        capture_method=params.word_or("capture_method", ASYNC),
        confirmation_method=params.word_or("confirmation_method", "automatic"),
        allowed_payment_method_types=params.texts("allowed_payment_method_types") or None,
        payment_method_options=merged({}, params.object("payment_method_options") or {}),
        automatic_payment_methods=_automatic_methods(params),
        customer=params.text("customer"),
        description=params.text("description"),
        receipt_email=params.text("receipt_email"),
        setup_future_usage=params.text("setup_future_usage"),
        shipping=params.object("shipping"),
        statement_descriptor=params.text("statement_descriptor"),
        statement_descriptor_suffix=params.text("statement_descriptor_suffix"),
        transfer_group=params.text("transfer_group"),
    )


def _automatic_methods(params: Params) -> JsonObject | None:
    """Return the intent's `automatic_payment_methods`; since 2023-08-16 they are on unless something else is said."""
    automatic = params.object("automatic_payment_methods")
    if "allowed_payment_method_types" in params:
        if automatic is not None:
            raise invalid_parameter(
                "You may only specify one of these parameters: allowed_payment_method_types, "
                "automatic_payment_methods.",
                param="allowed_payment_method_types",
                code="parameters_exclusive",
            )
        return None
    if automatic is not None and not automatic["enabled"]:
        return None
    redirects = "always" if automatic is None else automatic.get("allow_redirects", "always")
    return {"allow_redirects": redirects, "enabled": True}


OPERATION = ApiOperation(
    method="POST",
    path="/v1/payment_intents",
    accepts=spec(
        integer("amount", required=True),
        text("currency", required=True),
        nested(
            "automatic_payment_methods",
            flag("enabled", required=True),
            choice("allow_redirects", "always", "never"),
        ),
        flag("confirm"),
        choice("confirmation_method", "automatic", "manual"),
        text("payment_method"),
        NEW_METADATA,
        *DESCRIPTIVE,
        shipping(clearable=False),
        choice("setup_future_usage", *FUTURE_USAGES),
        *SHARED,
        *CONFIRMATION,
        *UNMODELLED_FOR_ALL,
        *UNMODELLED_FOR_PLATFORMS,
        *UNMODELLED_FOR_CONFIRMATION,
        *unmodelled("on_behalf_of"),
    ),
    run=create,
)
