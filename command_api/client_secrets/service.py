"""From a payment to its client secret: checks whose it is and whether Stripe knows it, and reads it from Stripe."""

from dataclasses import dataclass

from command_api.client_secrets.errors import PaymentNotAtStripe, PaymentOver
from command_api.client_secrets.stripe_secrets import ClientSecrets
from command_api.commands.waiter import StreamWaiter
from command_api.errors import PaymentNotFound
from domain.ids import MerchantId, PaymentId
from domain.payment.state import PaymentState
from domain.payment.values import PaymentStatus
from event_store.event_log import EventLog
from event_store.payments import PAYMENT
from schemas.http.client_secrets import ClientSecretAnswer


@dataclass(frozen=True, kw_only=True, slots=True)
class ClientSecretReader:
    """What the route works with; an application keeps it as `app.state.client_secrets`."""

    log: EventLog
    waiter: StreamWaiter
    secrets: ClientSecrets

    async def answer(self, payment_id: PaymentId, merchant_id: MerchantId, *, wait_s: float) -> ClientSecretAnswer:
        """Return the secret of a merchant's payment, whose intent is waited for up to `wait_s`.

        Raises PaymentNotFound, PaymentNotAtStripe, PaymentOver, StripeRefused or infra.errors.Unavailable. No database
        connection is held while Stripe is asked.
        """
        payment = PAYMENT.load((await self.log.load_many([payment_id]))[payment_id])
        if payment.state is None or payment.state.merchant_id != merchant_id:
            raise PaymentNotFound
        if wait_s > 0 and not _is_decided(payment.state):
            newer = await self.waiter.wait(
                payment_id, after_version=payment.version, until=_is_decided, timeout_s=wait_s
            )
            payment = newer or payment
        state = payment.state
        assert state is not None
        if state.intent_id is None:
            raise PaymentNotAtStripe if state.status is PaymentStatus.PENDING else PaymentOver
        secret = await self.secrets.read(state.intent_id)
        return ClientSecretAnswer(
            payment_id=payment_id, stripe_payment_intent_id=state.intent_id, client_secret=secret.get_secret_value()
        )


def _is_decided(state: PaymentState) -> bool:
    """Whether it is known if there is an intent."""
    return state.intent_id is not None or state.status is not PaymentStatus.PENDING
