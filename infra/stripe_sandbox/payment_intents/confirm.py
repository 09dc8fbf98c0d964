"""Confirming: https://docs.stripe.com/api/payment_intents/confirm."""

from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import quote

from infra.stripe_sandbox.errors import StripeError, unexpected_state
from infra.stripe_sandbox.expand import expanded
from infra.stripe_sandbox.json_types import Json
from infra.stripe_sandbox.not_modelled import not_modelled
from infra.stripe_sandbox.operation import OK, ApiOperation, Call, Reply
from infra.stripe_sandbox.params import choice, integer, spec, text
from infra.stripe_sandbox.payment_intents.attempt import Attempt, Terms, attempt
from infra.stripe_sandbox.payment_intents.fields import (
    CONFIRMATION,
    FUTURE_USAGES,
    SHARED,
    UNMODELLED_FOR_ALL,
    UNMODELLED_FOR_CONFIRMATION,
    shipping,
    termed,
)
from infra.stripe_sandbox.payment_intents.keep import keep
from infra.stripe_sandbox.payment_intents.lookup import check_secret, named_intent
from infra.stripe_sandbox.payment_intents.model import (
    CONFIRMABLE,
    SUCCEEDED,
    PaymentIntent,
)
from infra.stripe_sandbox.payment_intents.render import render
from infra.stripe_sandbox.payment_methods import mark_used, use
from infra.stripe_sandbox.texts import check_email

AUTHENTICATION_PATH = "/_sandbox/payment_intents/{intent}/authenticate"

_ALREADY_SUCCEEDED = (
    "You cannot confirm this PaymentIntent because it has already succeeded after being previously confirmed."
)
_NO_PAYMENT_METHOD = (
    "You cannot confirm this PaymentIntent because it's missing a payment method. You can either update the "
    "PaymentIntent with a payment method and then confirm it again, or confirm it again directly with a payment "
    "method or ConfirmationToken."
)
_NO_RETURN_URL = (
    "This PaymentIntent is configured to accept payment methods enabled in your Dashboard. Because some of these "
    "payment methods might redirect your customer off of your page, you must provide a `return_url`. If you don't "
    "want to accept redirect-based payment methods, set `automatic_payment_methods[enabled]` to `true` and "
    "`automatic_payment_methods[allow_redirects]` to `never` when creating Setup Intents and Payment Intents."
)


def confirm(call: Call) -> Reply:
    """Charge, or ask the customer to authenticate. A decline answers 402 and is kept."""
    before = named_intent(call)
    check_secret(call, before)
    _check_amount(call, before)
    changed = replace(
        termed(before, call.params),
        receipt_email=call.params.text_or("receipt_email", before.receipt_email),
        shipping=call.params.object_or("shipping", before.shipping),
    )
    result = confirmed(call, changed, payment_method=call.params.text("payment_method"))
    keep(call.world, call.cause, result, before=before)
    return shown(call, result)


def _check_amount(call: Call, intent: PaymentIntent) -> None:
    amount = call.params.integer_or("amount_to_confirm", intent.amount)
    if amount != intent.amount:
        raise not_modelled("confirming another amount than the intent's", param="amount_to_confirm")


def confirmed(call: Call, intent: PaymentIntent, *, payment_method: str | None) -> Attempt:
    """Return what confirming leads to, stored only by the caller.

    Raises StripeError (400) when the intent's status forbids it or something it needs is missing.
    """
    if intent.status == SUCCEEDED:
        raise unexpected_state(_ALREADY_SUCCEEDED, render(intent))
    if intent.status not in CONFIRMABLE:
        raise unexpected_state(
            f"You cannot confirm this PaymentIntent because it has a status of {intent.status}. Only a PaymentIntent "
            f"with one of the following statuses may be confirmed: {', '.join(CONFIRMABLE)}.",
            render(intent),
        )
    chosen = payment_method or intent.payment_method
    if chosen is None:
        raise unexpected_state(_NO_PAYMENT_METHOD, render(intent))
    if "card" not in intent.payment_method_types:
        raise StripeError(
            "The PaymentMethod provided (card) is not allowed for this PaymentIntent. Please attach a payment method "
            f"of one of the following types: {', '.join(intent.payment_method_types)}.",
            code="payment_intent_incompatible_payment_method",
            param="payment_method",
            members=_named(call, intent),
        )
    params = call.params
    redirects = intent.may_redirect or (
        call.world.behaviour.cards_want_return_url and intent.automatic_payment_methods is None
    )
    if redirects and "return_url" not in params and not params.flag("use_stripe_sdk"):
        raise StripeError(_NO_RETURN_URL, members=_named(call, intent))
    method = use(call, chosen, intent)
    terms = Terms(
        error_on_requires_action=params.flag("error_on_requires_action"),
        off_session=params.flag("off_session"),
        use_stripe_sdk=params.flag("use_stripe_sdk"),
        return_url=params.text("return_url"),
        authentication_url=call.origin + AUTHENTICATION_PATH.format(intent=quote(intent.id)),
    )
    result = attempt(intent, method, terms, ids=call.world.ids, now=call.now)
    mark_used(call, method, result.intent)
    return result


def _named(call: Call, intent: PaymentIntent) -> Mapping[str, Json] | None:
    """Return the intent as a refusal shows it; one that was to be made with this request is not there."""
    return {"payment_intent": render(intent)} if "intent" in call.path else None


def shown(call: Call, result: Attempt) -> Reply:
    """Return the reply with what the caller wants expanded; a decline is never expanded."""
    reply = result.reply
    return Reply(body=expanded(call, reply.body)) if reply.status == OK else reply


OPERATION = ApiOperation(
    method="POST",
    path="/v1/payment_intents/{intent}/confirm",
    accepts=spec(
        text("payment_method"),
        text("client_secret"),
        integer("amount_to_confirm"),
        shipping(),
        text("receipt_email", clearable=True, check=check_email),
        choice("setup_future_usage", *FUTURE_USAGES, clearable=True),
        *SHARED,
        *CONFIRMATION,
        *UNMODELLED_FOR_ALL,
        *UNMODELLED_FOR_CONFIRMATION,
    ),
    run=confirm,
)
