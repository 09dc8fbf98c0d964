"""Bodies of the command API: what a client may send, and what it is answered.

Requests are strict: an unknown field, a number in quotes, `10.0` or `true` for an amount is an error, so that a
misspelt or misread field never becomes a wrong charge. Whether a command makes sense for the payment is the domain's
to say. Answers are documented here and written by the command API without a further check.
"""

from datetime import datetime
from typing import Annotated

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    StrictStr,
    StringConstraints,
)
from pydantic_core import PydanticCustomError

from domain.ids import CustomerId, PaymentId, RefundId, StripeIntentId, StripeRefundId, UserId
from domain.payment.requests import (
    CUSTOMER_PATTERN,
    MAX_DESCRIPTION_CHARS,
    MAX_EXPIRES_IN_SECONDS,
    MAX_METADATA_KEY_CHARS,
    MAX_METADATA_KEYS,
    MAX_METADATA_VALUE_CHARS,
    MAX_STATEMENT_DESCRIPTOR_SUFFIX_CHARS,
    MAX_USER_ID_CHARS,
    MIN_EXPIRES_IN_SECONDS,
    RESERVED_METADATA_PREFIX,
)
from domain.payment.values import CancellationReason, CaptureMethod, PaymentStatus, RefundReason, RefundStatus
from schemas.http.answers import Json
from schemas.http.bodies import Body, without_default
from schemas.http.obstacles import LastError, NextAction, RefundError
from schemas.http.operations import Reason
from schemas.http.strict import STORABLE, check_storable
from schemas.personal.fields import has_email

_LARGEST_AMOUNT = 999_999_999_999  # Stripe's widest amount has 12 digits (IDR); the domain knows each currency's own


def opaque(user_id: str) -> str:
    """Return a user's id. Raises PydanticCustomError for an e-mail address: ids stay readable when a user is erased."""
    if has_email(user_id):
        message = "must not be an e-mail address: it stays when a user is erased. Send an id that only you can resolve"
        raise PydanticCustomError("personal_id", message)
    return check_storable(user_id)


def _storable_metadata(metadata: dict[str, str]) -> dict[str, str]:
    for key, value in metadata.items():
        check_storable(key)
        check_storable(value)
    return metadata


_WITHOUT_NULL: Json = {"pattern": r"^[^\x00]*$"}
NOT_BLANK: Json = {"pattern": r"^[^\x00]*[^\s\x00][^\x00]*$"}
_LATIN = r" -!#-&(-)+-;=?-\[\]-~\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u1e00-\u1eff"
_ON_STATEMENTS: Json = {"pattern": rf"^[{_LATIN}]*[A-Za-z][{_LATIN}]*$"}
"""What the domain refuses, said as patterns. Only in the documents: its own words are better than a pattern's."""

AmountCents = Annotated[
    StrictInt,
    Field(
        ge=1,
        le=_LARGEST_AMOUNT,
        description="In the currency's smallest unit, as Stripe counts it: 1000 is 10.00 USD, and 1000 JPY.",
    ),
]
Currency = Annotated[
    str,
    StringConstraints(strict=True, pattern=r"^[A-Za-z]{3}$"),
    AfterValidator(str.upper),
    Field(description="ISO 4217 code in either case; answers have it in upper case."),
]
Metadata = Annotated[
    dict[StrictStr, StrictStr],
    AfterValidator(_storable_metadata),
    Field(
        description=f"Your own notes: up to {MAX_METADATA_KEYS} keys of {MAX_METADATA_KEY_CHARS} characters, "
        f"without square brackets, and values of up to {MAX_METADATA_VALUE_CHARS} characters. Keys that begin with "
        f"`{RESERVED_METADATA_PREFIX}` are reserved.",
        json_schema_extra={
            "maxProperties": MAX_METADATA_KEYS,
            "propertyNames": {"pattern": rf"^(?!{RESERVED_METADATA_PREFIX})[^\[\]\x00]{{1,{MAX_METADATA_KEY_CHARS}}}$"},
            "additionalProperties": {
                "type": "string",
                "maxLength": MAX_METADATA_VALUE_CHARS,
                "pattern": _WITHOUT_NULL["pattern"],
            },
        },
    ),
]
PaymentMethod = Annotated[
    str,
    StringConstraints(strict=True, min_length=1, max_length=255, pattern=r"^[A-Za-z0-9_]+$"),
    Field(description="A Stripe payment method id. Card numbers are refused."),
]

Customer = Annotated[
    str,
    StringConstraints(strict=True, pattern=CUSTOMER_PATTERN),
    Field(description="A Stripe customer id, that the payment and its payment method belong to."),
]
StatementDescriptorSuffix = Annotated[
    str,
    StringConstraints(strict=True, min_length=1, max_length=MAX_STATEMENT_DESCRIPTOR_SUFFIX_CHARS),
    STORABLE,
    Field(
        description="Follows your account's prefix on the payer's statement: at least one letter, and none of "
        "`< > \\ ' \" *`. Stripe cuts prefix and suffix together to 22 characters.",
        json_schema_extra=_ON_STATEMENTS,
    ),
]

ExpiresInSeconds = Annotated[
    StrictInt,
    Field(
        ge=MIN_EXPIRES_IN_SECONDS,
        le=MAX_EXPIRES_IN_SECONDS,
        description="How long the charge is tried while Stripe cannot be reached. After that a new payment is "
        "canceled, with the reason `expired`; a confirmation has failed, with the code `expired`. Default: the "
        "server's setting, which is 24 hours unless it was changed.",
    ),
]


class CreatePaymentBody(Body):
    """A payment to take."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "user_id": "test_user_123",
                    "amount_cents": 1000,
                    "currency": "USD",
                    "payment_method": "pm_card_visa",
                    "metadata": {"order": "A-1001"},
                }
            ]
        }
    )

    user_id: Annotated[
        str, StringConstraints(strict=True, min_length=1, max_length=MAX_USER_ID_CHARS), AfterValidator(opaque)
    ] = Field(description="Who pays, by an id of your own that is no e-mail address.", json_schema_extra=NOT_BLANK)
    amount_cents: AmountCents
    currency: Currency
    metadata: Metadata = Field(default_factory=dict)
    payment_method: PaymentMethod | None = None
    confirm: StrictBool | None = Field(
        default=None,
        description="Whether to try the charge at once. Default: true with a payment_method, else false.",
    )
    capture_method: CaptureMethod = Field(
        default=CaptureMethod.AUTOMATIC,
        description="manual: authorize only, to be captured or canceled later. Default: automatic.",
        json_schema_extra=without_default,
    )
    description: (
        Annotated[
            str,
            StringConstraints(strict=True, max_length=MAX_DESCRIPTION_CHARS),
            STORABLE,
            Field(json_schema_extra=_WITHOUT_NULL),
        ]
        | None
    ) = None
    customer: Customer | None = None
    statement_descriptor_suffix: StatementDescriptorSuffix | None = None
    expires_in_seconds: ExpiresInSeconds | None = None

    @property
    def wants_confirmation(self) -> bool:
        """Whether the charge is to be tried at once."""
        return self.payment_method is not None if self.confirm is None else self.confirm


class ConfirmPaymentBody(Body):
    """Try the charge, with another payment method if one is given."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"payment_method": "pm_card_visa"}]})

    payment_method: PaymentMethod | None = None
    expires_in_seconds: ExpiresInSeconds | None = None


class CapturePaymentBody(Body):
    """Take what was authorized, or a part of it; the rest is released."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{}, {"amount_cents": 500, "reason": "The first of two parcels was sent"}]}
    )

    amount_cents: AmountCents | None = Field(default=None, description="Default: all that was authorized.")
    reason: Reason | None = None


class CancelPaymentBody(Body):
    """Give the payment up. Reasons are Stripe's."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "requested_by_customer"}]})

    reason: CancellationReason | None = None


class RefundPaymentBody(Body):
    """Give money back, as often as there is some left. Reasons are Stripe's."""

    model_config = ConfigDict(json_schema_extra={"examples": [{}, {"amount_cents": 500}]})

    amount_cents: AmountCents | None = Field(default=None, description="Default: all that can still be refunded.")
    reason: RefundReason | None = None


POSITION = Field(
    description="Place in the event log. Give it to the query API (Paystream-Min-Position) to read your own write."
)


class PaymentAnswer(BaseModel):
    """A payment, as of the command's acceptance or, with `Prefer: wait`, of Stripe's outcome."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071",
                    "user_id": "test_user_123",
                    "amount_cents": 1000,
                    "currency": "USD",
                    "status": "pending",
                    "stripe_payment_intent_id": None,
                    "idempotency_key": "order-1001",
                    "created_at": "2026-11-22T19:37:00.123Z",
                    "customer": None,
                    "statement_descriptor_suffix": None,
                    "last_error": None,
                    "next_action": None,
                    "position": 42,
                }
            ]
        }
    )

    id: PaymentId
    user_id: UserId
    amount_cents: int
    currency: str
    status: PaymentStatus
    stripe_payment_intent_id: StripeIntentId | None
    idempotency_key: str = Field(description="The key that the payment was created with.")
    created_at: datetime = Field(description="ISO 8601, UTC.")
    customer: CustomerId | None = Field(description="Stripe's customer (cus_...).")
    statement_descriptor_suffix: str | None
    last_error: LastError | None
    next_action: NextAction | None
    position: int = POSITION


class RefundAnswer(BaseModel):
    """A refund. While it is pending it already holds its amount."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "payment_id": "019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071",
                    "refund_id": "019ab3c4-6e7f-7091-8b2c-3d4e5f607182",
                    "stripe_refund_id": None,
                    "status": "pending",
                    "amount_cents": 500,
                    "reason": "requested_by_customer",
                    "error": None,
                    "position": 47,
                }
            ]
        }
    )

    payment_id: PaymentId
    refund_id: RefundId
    stripe_refund_id: StripeRefundId | None
    status: RefundStatus
    amount_cents: int
    reason: RefundReason | None
    error: RefundError | None = Field(description="Why it failed.")
    position: int = POSITION
