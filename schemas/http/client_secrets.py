"""Body of the command API's answer with a client secret."""

from pydantic import BaseModel, ConfigDict, Field

from domain.ids import PaymentId, StripeIntentId


class ClientSecretAnswer(BaseModel):
    """What a customer's browser needs to confirm a payment. Kept nowhere; never to be logged or stored."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "payment_id": "019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071",
                    "stripe_payment_intent_id": "pi_3PXample",
                    "client_secret": "pi_3PXample_secret_...",
                }
            ]
        }
    )

    payment_id: PaymentId
    stripe_payment_intent_id: StripeIntentId
    client_secret: str = Field(description="For Stripe.js: https://docs.stripe.com/js/payment_intents.")
