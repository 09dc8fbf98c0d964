"""The Stripe in memory keeps the contract of the real client."""

from consumers.stripe.fakes import MemoryStripe
from consumers.stripe.payments import Stripe
from tests.unit.consumers.stripe.stripe_contract import StripeContract


class TestMemoryStripe(StripeContract):
    def stripe(self) -> Stripe:
        self._stripe = MemoryStripe()
        return self._stripe

    async def fail_next(self, *, after_effect: bool) -> None:
        self._stripe.server_errors.append(after_effect)
