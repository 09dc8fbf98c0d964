"""Finding the payment intent that a path names, and keeping its next state."""

from infra.stripe_sandbox.errors import resource_missing
from infra.stripe_sandbox.operation import Call
from infra.stripe_sandbox.payment_intents.attempt import Attempt
from infra.stripe_sandbox.payment_intents.model import PaymentIntent


def named_intent(call: Call) -> PaymentIntent:
    """Return the intent in the path. Raises StripeError (404) when the account has none of that id."""
    intent = call.store.get(PaymentIntent, call.account, call.path["intent"])
    if intent is None:
        raise resource_missing("payment_intent", call.path["intent"], param="intent")
    return intent


def keep(call: Call, result: Attempt, *, before: PaymentIntent | None) -> None:
    """Store what an attempt led to; `before` is None when the intent is new."""
    if before is None:
        call.store.insert(call.account, result.intent)
    else:
        call.store.update(call.account, result.intent, before=before)
    if result.charge is not None:
        call.store.insert(call.account, result.charge)
