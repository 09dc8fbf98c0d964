"""The parameters that creating, updating and confirming a payment intent share."""

from dataclasses import replace

from infra.stripe_sandbox.errors import invalid_parameter
from infra.stripe_sandbox.params import Params, choice, flag, integer, nested, removed, text, texts, unmodelled
from infra.stripe_sandbox.payment_intents.model import PaymentIntent
from infra.stripe_sandbox.payment_intents.statement import check_statement

PAYMENT_METHOD_TYPES = removed(
    "payment_method_types",
    "The parameter `payment_method_types` is no longer supported in this API version. Use "
    "`allowed_payment_method_types`, or leave the choice to dynamic payment methods.",
)
DESCRIPTIVE = (
    text("customer", clearable=True),
    text("description", clearable=True),
    text("receipt_email", clearable=True),
    nested("shipping"),
    text("statement_descriptor", clearable=True, check=check_statement),
    text("statement_descriptor_suffix", clearable=True, check=check_statement),
    text("transfer_group"),
)
SHARED = (
    text("payment_method"),
    texts("allowed_payment_method_types"),
    # https://docs.stripe.com/changelog/endive/2026-09-30/removes-the-payment-method-types-parameter-from-payment-intents-and-setup-intents
    PAYMENT_METHOD_TYPES,
    nested("payment_method_options"),
    choice("capture_method", "automatic", "automatic_async", "manual"),
    choice("setup_future_usage", "off_session", "on_session"),
)
CONFIRMATION = (
    flag("off_session"),
    text("return_url"),
    flag("use_stripe_sdk"),
    flag("error_on_requires_action"),
)
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
        payment_method_options=params.object("payment_method_options") or intent.payment_method_options,
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
