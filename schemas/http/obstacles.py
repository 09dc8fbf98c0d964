"""What can stand between a payment and its success: shown by both APIs."""

from pydantic import ConfigDict

from schemas.http.answers import Answer


class LastError(Answer):
    """Why the latest attempt, capture or cancellation did not work. Codes are Stripe's.

    It is null from a confirmation or a capture on until its outcome is known, so it is never that of an attempt before.
    A cancellation leaves the decline that it follows, also once the payment is canceled.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"code": "card_declined", "decline_code": "insufficient_funds", "message": "Your card was declined."}
            ]
        }
    )

    code: str
    decline_code: str | None
    message: str


class RefundError(Answer):
    """Why a refund failed. Codes are Stripe's, or `refund_canceled`."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"code": "expired_or_canceled_card", "message": "The card is closed."}]}
    )

    code: str
    message: str


class NextAction(Answer):
    """What the payer has to do before the payment can go on."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"type": "redirect_to_url", "redirect_url": "https://bank.example/authenticate"}]
        }
    )

    type: str
    redirect_url: str | None
