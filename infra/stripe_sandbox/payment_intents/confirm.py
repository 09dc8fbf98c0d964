"""Confirming: https://docs.stripe.com/api/payment_intents/confirm."""

from dataclasses import replace
from urllib.parse import quote

from infra.stripe_sandbox.errors import PAYMENT_REQUIRED, StripeError, unexpected_state
from infra.stripe_sandbox.expand import expanded
from infra.stripe_sandbox.operation import OK, Call, Operation, Reply
from infra.stripe_sandbox.params import choice, nested, spec, text, texts
from infra.stripe_sandbox.payment_intents.attempt import Attempt, Terms, attempt
from infra.stripe_sandbox.payment_intents.fields import (
    CONFIRMATION,
    PAYMENT_METHOD_TYPES,
    UNMODELLED_FOR_ALL,
    UNMODELLED_FOR_CONFIRMATION,
    termed,
)
from infra.stripe_sandbox.payment_intents.keep import keep
from infra.stripe_sandbox.payment_intents.lookup import named_intent
from infra.stripe_sandbox.payment_intents.model import (
    CONFIRMABLE,
    REQUIRES_ACTION,
    SUCCEEDED,
    PaymentIntent,
)
from infra.stripe_sandbox.payment_intents.render import render
from infra.stripe_sandbox.payment_methods import use

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
_ACTION_IS_AN_ERROR = (
    "This payment required an authentication action to complete, but `error_on_requires_action` was set. When you're "
    "ready, you can upgrade your integration to handle actions at "
    "https://stripe.com/docs/payments/payment-intents/upgrade-to-handle-actions."
)


def confirm(call: Call) -> Reply:
    """Charge, or ask the customer to authenticate. A decline answers 402 and is kept."""
    before = named_intent(call)
    changed = replace(
        termed(before, call.params),
        receipt_email=call.params.text_or("receipt_email", before.receipt_email),
        shipping=call.params.object_or("shipping", before.shipping),
    )
    result = confirmed(call, changed, payment_method=call.params.text("payment_method"))
    keep(call.world, call.cause, result, before=before)
    return shown(call, result)


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
            members={"payment_intent": render(intent)},
        )
    params = call.params
    if intent.may_redirect and "return_url" not in params and not params.flag("use_stripe_sdk"):
        raise StripeError(_NO_RETURN_URL, members={"payment_intent": render(intent)})
    terms = Terms(
        off_session=params.flag("off_session"),
        use_stripe_sdk=params.flag("use_stripe_sdk"),
        return_url=params.text("return_url"),
        authentication_url=call.origin + AUTHENTICATION_PATH.format(intent=quote(intent.id)),
    )
    result = attempt(intent, use(call, chosen), terms, ids=call.world.ids, now=call.now)
    if result.intent.status == REQUIRES_ACTION and params.flag("error_on_requires_action"):
        raise StripeError(
            _ACTION_IS_AN_ERROR,
            status=PAYMENT_REQUIRED,
            error_type="card_error",
            code="payment_intent_action_required",
            members={"payment_intent": render(intent)},
        )
    return result


def shown(call: Call, result: Attempt) -> Reply:
    """Return the reply with what the caller wants expanded; a decline is never expanded."""
    reply = result.reply
    return Reply(body=expanded(call, reply.body)) if reply.status == OK else reply


OPERATION = Operation(
    method="POST",
    path="/v1/payment_intents/{intent}/confirm",
    accepts=spec(
        text("payment_method"),
        texts("allowed_payment_method_types"),
        PAYMENT_METHOD_TYPES,
        nested("payment_method_options"),
        nested("shipping"),
        text("receipt_email", clearable=True),
        choice("capture_method", "automatic", "automatic_async", "manual"),
        choice("setup_future_usage", "off_session", "on_session"),
        *CONFIRMATION,
        *UNMODELLED_FOR_ALL,
        *UNMODELLED_FOR_CONFIRMATION,
    ),
    run=confirm,
)
