"""Bodies about the personal data of a user."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from domain.ids import ErasureId, MerchantId, UserId
from schemas.http.answers import Answer, Json, Position
from schemas.http.bodies import Body
from schemas.http.strict import STORABLE

_USER: Json = {"merchant_id": "merchant_1", "user_id": "customer_1001", "reason": "Letter of 2026-05-01"}
_PREVIEW: Json = {
    "merchant_id": "merchant_1",
    "user_id": "customer_1001",
    "payments": 12,
    "split_payments": 0,
    "under_way": 0,
    "in_clear": 0,
    "at_stripe": ["cus_3PXample", "pi_3PXample"],
}
_ERASED: Json = {
    "id": "019ab3c4-d5e6-7f89-b293-b4c5d6e7f809",
    "keys": 2,
    "payments": 12,
    "in_clear": 0,
    "webhook_answers": 4,
    "at_stripe": ["cus_3PXample", "pi_3PXample"],
    "position": 4711,
}


Name = Annotated[str, StringConstraints(min_length=1, max_length=500), STORABLE]
Reason = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=500),
    STORABLE,
    Field(description="Why; written into the log. Put nobody's name there."),
]
Count = Annotated[int, Field(ge=0)]
AtStripe = Annotated[
    list[str], Field(description="What Stripe has of the user and nothing here can erase: it redacts on request.")
]
InClear = Annotated[
    Count, Field(description="Events from before personal data was encrypted: they stay in the log and in Kafka.")
]


class UserExportBody(Body):
    """POST /privacy/exports."""

    model_config = ConfigDict(json_schema_extra={"examples": [_USER]})

    user_id: Name
    merchant_id: Annotated[Name | None, Field(description="Whose user; left out with a key of a merchant.")] = None
    reason: Reason


class ErasureBody(UserExportBody):
    """POST /privacy/erasures."""

    force: Annotated[bool | None, Field(strict=True, description="Even while payments are under way.")] = None


class UserDataPreview(Answer):
    """What an erasure would reach now, and what not."""

    model_config = ConfigDict(json_schema_extra={"examples": [_PREVIEW]})

    merchant_id: MerchantId
    user_id: UserId
    payments: Annotated[Count, Field(description="Payments whose personal data would be erased.")]
    split_payments: Count
    under_way: Annotated[Count, Field(description="Of these: while there are any, only `force` erases.")]
    in_clear: InClear
    at_stripe: AtStripe


class ErasureAnswer(Answer):
    """The receipt of an erasure."""

    model_config = ConfigDict(json_schema_extra={"examples": [_ERASED]})

    id: ErasureId
    keys: Annotated[Count, Field(description="How many keys were destroyed.")]
    payments: Count
    in_clear: InClear
    webhook_answers: Annotated[
        Count | None, Field(description="What endpoints had answered to webhooks, and was taken away.")
    ]
    at_stripe: AtStripe
    position: Position


class UserExport(BaseModel):
    """Everything about a user, in clear."""

    model_config = ConfigDict(
        extra="allow", json_schema_extra={"examples": [{"merchant_id": "merchant_1", "user_id": "customer_1001"}]}
    )

    merchant_id: MerchantId
    user_id: UserId
    payments: list[dict[str, Any]] = []
