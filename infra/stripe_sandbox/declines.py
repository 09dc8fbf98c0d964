"""Why test cards are declined: codes and texts of https://docs.stripe.com/declines/codes."""

from infra.stripe_sandbox.cards import NETWORK_DECLINE_CODE, Decline

AUTHENTICATION_REQUIRED = Decline(
    code="authentication_required",
    decline_code="authentication_required",
    message="Your card was declined. This transaction requires authentication.",
    network_decline_code=None,
)

_DECLINED = "Your card was declined."


def _declined(decline_code: str, advice_code: str, message: str = _DECLINED, *, blocked: bool = False) -> Decline:
    return Decline(
        code="card_declined",
        decline_code=decline_code,
        advice_code=advice_code,
        message=message,
        network_decline_code=None if blocked else NETWORK_DECLINE_CODE,
        blocked=blocked,
    )


INSUFFICIENT_FUNDS = _declined("insufficient_funds", "try_again_later", "Your card has insufficient funds.")
PROCESSING_ERROR = Decline(
    code="processing_error",
    message="An error occurred while processing your card. Try again in a little bit.",
    advice_code="try_again_later",
)
EXPIRED = Decline(code="expired_card", message="Your card has expired.", advice_code="confirm_card_data")
INCORRECT_CVC = Decline(
    code="incorrect_cvc", message="Your card's security code is incorrect.", advice_code="confirm_card_data"
)
VELOCITY = _declined(
    "card_velocity_exceeded",
    "try_again_later",
    "Your card was declined for making repeated attempts too frequently or exceeding its amount limit.",
)

STOLEN = _declined("stolen_card", "do_not_try_again")
LOST = _declined("lost_card", "do_not_try_again")
GENERIC = _declined("generic_decline", "try_again_later")
FRAUDULENT = _declined("fraudulent", "do_not_try_again", blocked=True)
AUTHENTICATION_NOT_HANDLED = Decline(
    code="authentication_required",
    decline_code="authentication_not_handled",
    message=(
        "This payment required an authentication action to complete, but `error_on_requires_action` was set. When "
        "you're ready, you can upgrade your integration to handle actions at "
        "https://stripe.com/docs/payments/payment-intents/upgrade-to-handle-actions."
    ),
    network_decline_code=None,
)
"""https://docs.stripe.com/payments/without-card-authentication has it in full."""
