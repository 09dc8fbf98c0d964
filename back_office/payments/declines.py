"""Why a payment failed, in a sentence that a customer can be told.

Of a lost or stolen card, and of a suspicion, the customer is told no more than that the bank declined: Stripe asks for
that (https://docs.stripe.com/declines/codes).
"""

from typing import Any

Json = dict[str, Any]

_DECLINED = "Your bank declined the payment and did not say why. Please use another card, or ask your bank."
_SENTENCES = {
    "insufficient_funds": "There was not enough money on the account. Please use another card, or try again later.",
    "expired_card": "The card has expired. Please use another card.",
    "incorrect_cvc": "The security code of the card was not right. Please enter the card once more.",
    "incorrect_number": "The card number was not right. Please enter the card once more.",
    "incorrect_zip": "The postal code does not belong to the card. Please enter it once more.",
    "card_velocity_exceeded": "The card's limit is reached. Please use another card, or ask your bank.",
    "withdrawal_count_limit_exceeded": "The card's limit is reached. Please use another card, or ask your bank.",
    "card_not_supported": "The card does not allow such a payment. Please use another card.",
    "currency_not_supported": "The card does not take this currency. Please use another card.",
    "authentication_required": "Your bank wants you to confirm the payment. Please try again and confirm it.",
    "payment_intent_authentication_failure": "The payment was not confirmed with your bank. Please try again.",
    "processing_error": "The bank could not be reached. Please try again in a few minutes.",
    "issuer_not_available": "The bank could not be reached. Please try again in a few minutes.",
    "try_again_later": "The bank could not be reached. Please try again in a few minutes.",
    "expired": "The payment could not be tried in time, and nothing was taken. Please start again.",
    "charge_expired_for_capture": "The reservation has ended, and nothing was taken. Please start again.",
    "card_declined": _DECLINED,
    "generic_decline": _DECLINED,
    "do_not_honor": _DECLINED,
    "fraudulent": _DECLINED,
    "lost_card": _DECLINED,
    "stolen_card": _DECLINED,
    "pickup_card": _DECLINED,
    "merchant_blacklist": _DECLINED,
}
_OTHERWISE = "The payment did not work, and nothing was taken for this attempt. Please try again or use another card."


def customer_sentence(error: Json) -> str:
    """Return what to tell the customer of a payment's last error."""
    decline = error.get("decline_code")
    if decline is not None:
        return _SENTENCES.get(decline, _DECLINED)
    return _SENTENCES.get(error["code"], _OTHERWISE)
