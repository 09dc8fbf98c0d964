"""Why no client secret can be given."""

from command_api.errors import CommandError
from infra.errors import InfraError, Unavailable


class PaymentNotAtStripe(CommandError):
    """The payment has no intent yet: its creation is still under way."""

    code = "payment_not_at_stripe"

    def __init__(self) -> None:
        super().__init__("Stripe does not know the payment yet. Try again in a second, or send Prefer: wait=10.")


class PaymentOver(CommandError):
    """The payment ended before it came to Stripe: there will be no intent."""

    code = "payment_over"

    def __init__(self) -> None:
        super().__init__("The payment ended before it came to Stripe, so that there is nothing to confirm.")


class StripeUnavailable(Unavailable):
    """Stripe did not serve the question."""

    code = "stripe_unavailable"
    title = "The payment processor does not answer"


class StripeRefused(InfraError):
    """Stripe answered, and not with the intent: a key of another account, or without the permission."""

    code = "stripe_refused"
    title = "The payment processor refused the question"
