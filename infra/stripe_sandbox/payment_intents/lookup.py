"""Finding the payment intent that a path names."""

from infra.stripe_sandbox.errors import invalid_parameter, resource_missing
from infra.stripe_sandbox.operation import Call
from infra.stripe_sandbox.payment_intents.model import PaymentIntent


def named_intent(call: Call) -> PaymentIntent:
    """Return the intent in the path. Raises StripeError (404) when the account has none of that id."""
    intent = call.store.get(PaymentIntent, call.account, call.path["intent"])
    if intent is None:
        raise resource_missing("payment_intent", call.path["intent"], param="intent")
    return intent


def check_secret(call: Call, intent: PaymentIntent) -> None:
    """Raise StripeError (400) when the request names a client secret that is not the intent's."""
    secret = call.params.text("client_secret")
    if secret is not None and secret != intent.client_secret:
        raise invalid_parameter(
            "The client_secret provided does not match the client_secret associated with the PaymentIntent.",
            param="client_secret",
            code="payment_intent_invalid_parameter",
        )
