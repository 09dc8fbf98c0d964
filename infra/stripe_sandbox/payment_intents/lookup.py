"""Finding the payment intent that a path names."""

from infra.stripe_sandbox.errors import resource_missing
from infra.stripe_sandbox.operation import Call
from infra.stripe_sandbox.payment_intents.model import PaymentIntent


def named_intent(call: Call) -> PaymentIntent:
    """Return the intent in the path. Raises StripeError (404) when the account has none of that id."""
    intent = call.store.get(PaymentIntent, call.account, call.path["intent"])
    if intent is None:
        raise resource_missing("payment_intent", call.path["intent"], param="intent")
    return intent
