"""The Stripe in memory keeps the contract of the real client."""

from consumers.gateway.calls import Stripe
from consumers.gateway.fakes import MemoryStripe
from tests.unit.consumers.gateway.stripe_contract import StripeContract


class TestMemoryStripe(StripeContract):
    def stripe(self) -> Stripe:
        return MemoryStripe()
