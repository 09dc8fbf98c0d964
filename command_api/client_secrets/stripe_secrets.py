"""Reads a client secret from Stripe."""

from typing import Protocol
from urllib.parse import quote

import stripe
from pydantic import SecretStr

from command_api.stripe_reads import StripeRefused, read_failure
from domain.ids import StripeIntentId
from infra.stripe.calls import Guard, StripeCalls


class ClientSecrets(Protocol):
    """Where client secrets come from."""

    async def read(self, intent_id: StripeIntentId) -> SecretStr:
        """Return the secret of an intent. Raises StripeRefused, or infra.errors.Unavailable: ask again later."""


class StripeClientSecrets:
    """`ClientSecrets` at Stripe itself, or its sandbox. A call ends within `timeout_s` of its turn.

    https://docs.stripe.com/api/payment_intents/object#payment_intent_object-client_secret: it should not be stored,
    logged, or shown to anyone but the customer.
    """

    def __init__(self, client: stripe.StripeClient, guard: Guard, *, timeout_s: float) -> None:
        self._calls = StripeCalls(client, guard, timeout_s=timeout_s)

    async def read(self, intent_id: StripeIntentId) -> SecretStr:
        """Ask Stripe for the intent and keep nothing of it."""
        try:
            async with self._calls.guarded():
                intent = await self._calls.request("get", f"/v1/payment_intents/{quote(intent_id, safe='')}")
        except (stripe.StripeError, TimeoutError) as error:
            refused = "Stripe refused to show the payment."
            raise read_failure(error, "client_secret_not_read", intent_id=intent_id, refused=refused) from None
        secret = intent.get("client_secret")
        if not secret:  # a restricted key that may not see it
            raise StripeRefused("The Stripe key may not see client secrets.")
        return SecretStr(secret)
