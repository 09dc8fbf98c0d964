"""The parameters that creating, updating and confirming a payment intent share."""

from dataclasses import replace

from infra.stripe_sandbox.customers.address import SHIPPING_ADDRESS
from infra.stripe_sandbox.errors import invalid_parameter
from infra.stripe_sandbox.params import (
    Param,
    choice,
    flag,
    flag_or_choice,
    integer,
    nested,
    removed,
    text,
    texts,
    unmodelled,
)
from infra.stripe_sandbox.payment_intents.method_options import METHOD_OPTIONS, METHOD_TYPES, merged
from infra.stripe_sandbox.payment_intents.model import PaymentIntent
from infra.stripe_sandbox.payment_intents.statement import check_statement
from infra.stripe_sandbox.texts import check_email, check_url
from infra.stripe_sandbox.validation import Params

PAYMENT_METHOD_TYPES = removed(
    "payment_method_types",
    "The parameter `payment_method_types` is no longer supported in this API version. Use "
    "`allowed_payment_method_types`, or leave the choice to dynamic payment methods.",
)
DESCRIPTION_LENGTH = 1000


def shipping(*, clearable: bool = True) -> Param:
    """Return where goods are sent; of a new intent there is nothing to unset."""
    return nested(
        "shipping",
        SHIPPING_ADDRESS,
        text("carrier", clearable=True),
        text("name", required=True),
        text("phone", clearable=True),
        text("tracking_number", clearable=True),
        clearable=clearable,
    )


DESCRIPTIVE = (
    text("customer", clearable=True),
    text("description", clearable=True, max_length=DESCRIPTION_LENGTH),
    text("receipt_email", clearable=True, check=check_email),
    text("statement_descriptor", clearable=True, check=check_statement),
    text("statement_descriptor_suffix", clearable=True, check=check_statement),
    text("transfer_group"),
)
ALLOWED_TYPES = texts("allowed_payment_method_types", *METHOD_TYPES)
SHARED = (
    ALLOWED_TYPES,
    # https://docs.stripe.com/changelog/endive/2026-09-30/removes-the-payment-method-types-parameter-from-payment-intents-and-setup-intents
    PAYMENT_METHOD_TYPES,
    METHOD_OPTIONS,
    choice("capture_method", "automatic", "automatic_async", "manual"),
)
CONFIRMATION = (
    flag_or_choice("off_session", "one_off", "recurring"),
    text("return_url", check=check_url),
    flag("use_stripe_sdk"),
    flag("error_on_requires_action"),
)
FUTURE_USAGES = ("off_session", "on_session")
AMOUNT = (integer("amount"), text("currency"))

UNMODELLED_FOR_ALL = unmodelled(
    "amount_details",
    "excluded_payment_method_types",
    "hooks",
    "payment_details",
    "payment_method_data",
)
UNMODELLED_FOR_PLATFORMS = unmodelled(
    "application_fee_amount", "customer_account", "payment_method_configuration", "transfer_data"
)
UNMODELLED_FOR_CONFIRMATION = unmodelled("confirmation_token", "mandate", "mandate_data", "radar_options")


def described(intent: PaymentIntent, params: Params) -> PaymentIntent:
    """Return the intent with the descriptive fields and metadata that the request sets or unsets."""
    return replace(
        intent,
        metadata=params.metadata().apply(intent.metadata),
        customer=params.text_or("customer", intent.customer),
        description=params.text_or("description", intent.description),
        receipt_email=params.text_or("receipt_email", intent.receipt_email),
        shipping=params.object_or("shipping", intent.shipping),
        statement_descriptor=params.text_or("statement_descriptor", intent.statement_descriptor),
        statement_descriptor_suffix=params.text_or("statement_descriptor_suffix", intent.statement_descriptor_suffix),
        transfer_group=params.text_or("transfer_group", intent.transfer_group),
    )


def termed(intent: PaymentIntent, params: Params) -> PaymentIntent:
    """Return the intent with the terms of its confirmation that the request sets."""
    allowed = params.texts("allowed_payment_method_types") or intent.allowed_payment_method_types
    return replace(
        intent,
        capture_method=params.word_or("capture_method", intent.capture_method),
        setup_future_usage=params.text_or("setup_future_usage", intent.setup_future_usage),
        allowed_payment_method_types=allowed,
        automatic_payment_methods=None if allowed else intent.automatic_payment_methods,
        payment_method_options=merged(intent.payment_method_options, params.object("payment_method_options") or {}),
    )


def refuse_without_confirm(params: Params) -> None:
    """Raise StripeError (400) for parameters of the confirmation when creating without one."""
    for param in CONFIRMATION:
        if param.name in params and param.name != "use_stripe_sdk":
            raise invalid_parameter(
                f"The parameter `{param.name}` cannot be passed when creating a PaymentIntent unless `confirm` is set "
                "to true.",
                param=param.name,
            )
