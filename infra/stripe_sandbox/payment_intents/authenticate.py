"""The customer's part: passing or failing the authentication that a card asked for."""

from enum import StrEnum

from infra.stripe_sandbox.cause import Cause
from infra.stripe_sandbox.operation import World
from infra.stripe_sandbox.payment_intents.attempt import Attempt, Terms, attempt, authentication_failed
from infra.stripe_sandbox.payment_intents.keep import keep
from infra.stripe_sandbox.payment_intents.model import REQUIRES_ACTION, PaymentIntent
from infra.stripe_sandbox.payment_methods import PaymentMethod


class AuthenticationOutcome(StrEnum):
    """How the authentication ends."""

    SUCCEED = "succeed"
    FAIL = "fail"


class NotWaitingError(Exception):
    """The payment intent does not wait for authentication."""

    def __init__(self, intent_id: str, status: str) -> None:
        super().__init__(f"payment intent {intent_id} is {status}, not {REQUIRES_ACTION}")


def authenticate(world: World, intent_id: str, outcome: AuthenticationOutcome) -> PaymentIntent:
    """End the authentication of an intent that exists, in a transaction.

    Raises NotWaitingError when the intent does not wait for it.
    """
    with world.transaction():
        located = world.store.locate(PaymentIntent, intent_id)
        assert located is not None
        account, before = located
        if before.status != REQUIRES_ACTION or before.payment_method is None:
            raise NotWaitingError(intent_id, before.status)
        method = world.store.get(PaymentMethod, account, before.payment_method)
        assert method is not None
        if outcome is AuthenticationOutcome.SUCCEED:
            result = attempt(before, method, Terms(), ids=world.ids, now=world.now, authenticated=True)
        else:
            result = Attempt(intent=authentication_failed(before, method), failed=True)
        keep(world, Cause(account=account), result, before=before)
        return result.intent
