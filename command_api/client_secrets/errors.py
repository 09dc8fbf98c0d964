"""Why no client secret can be given."""

from command_api.errors import CommandError


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
