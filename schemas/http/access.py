"""Bodies and answers of the endpoints with which operators manage merchants and API keys."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from domain.access.scopes import MerchantScope
from schemas.http.answers import Answer, Json, Timestamp
from schemas.http.bodies import StrictBody
from schemas.http.operations import Reason

MOST_OLD_VALID_HOURS = 720
MAX_DAYS = 3650

MerchantName = Annotated[
    str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$", description="For people.")
]
MerchantKey = Annotated[
    str,
    Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$", description="Its id, which never changes."),
]
Source = Annotated[
    Literal["database", "setting"],
    Field(description="`setting`: from API_KEYS, so it is changed there and not here."),
]
AnyScope = Literal[MerchantScope, "finance:read", "finance:write", "audit:read", "admin:read", "admin:write"]

_MERCHANT: Json = {
    "id": "shop",
    "name": "A shop",
    "created_at": "2026-05-01T10:06:40.123Z",
    "valid_keys": 2,
    "source": "database",
}
_KEY: Json = {
    "id": "019ab3c4-91a2-73b4-8e5f-607182930415",
    "prefix": "psk_live_Ab12Cd34",
    "merchant_id": "shop",
    "scopes": ["payments:read", "payments:write"],
    "created_at": "2026-05-01T10:06:40.123Z",
    "expires_at": None,
    "revoked_at": None,
    "replaced_by": None,
    "last_used_at": "2026-05-02T09:00:00.000Z",
    "source": "database",
}


class CreateMerchantBody(StrictBody):
    """A merchant that can then be given keys."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"id": "shop", "name": "A shop", "reason": "contract"}]})

    id: MerchantKey
    name: MerchantName
    reason: Reason


class CreateApiKeyBody(StrictBody):
    """A key of a merchant; without one, of the operator."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"merchant_id": "shop", "scopes": ["payments:read"], "days": 365, "reason": "the checkout"}]
        }
    )

    merchant_id: MerchantKey | None
    scopes: Annotated[
        list[AnyScope],
        Field(
            min_length=1, max_length=20, description="A key of the operator gets no scope that the caller's key lacks."
        ),
    ]
    days: Annotated[
        int | None, Field(ge=1, le=MAX_DAYS, description="How long it is valid; null: until it is revoked.")
    ]
    reason: Reason


class RotateApiKeyBody(StrictBody):
    """How long the key stays valid beside its successor, and why."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"old_valid_hours": 24, "reason": "once a year"}]})

    old_valid_hours: Annotated[int, Field(ge=0, le=MOST_OLD_VALID_HOURS)]
    reason: Reason


class MerchantView(Answer):
    """A merchant."""

    model_config = ConfigDict(json_schema_extra={"examples": [_MERCHANT]})

    id: str
    name: str
    created_at: Annotated[Timestamp | None, Field(description="null: it is known from API_KEYS alone.")]
    valid_keys: int
    source: Source


class MerchantPage(Answer):
    """Merchants in the order of their ids. `next_after` is null on the last page."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"data": [_MERCHANT], "next_after": None}]})

    data: list[MerchantView]
    next_after: str | None


class ApiKeyView(Answer):
    """An API key, without its secret: nobody can show that again."""

    model_config = ConfigDict(json_schema_extra={"examples": [_KEY]})

    id: str
    prefix: Annotated[str | None, Field(description="The beginning of the key; null for a key of API_KEYS.")]
    merchant_id: Annotated[str | None, Field(description="null: it is the operator's.")]
    scopes: list[str]
    created_at: Timestamp | None
    expires_at: Timestamp | None
    revoked_at: Timestamp | None
    replaced_by: UUID | None
    last_used_at: Annotated[Timestamp | None, Field(description="To the minute.")]
    source: Source


class ApiKeyList(Answer):
    """API keys, the oldest first."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"data": [_KEY]}]})

    data: list[ApiKeyView]


class ApiKeyWithSecret(ApiKeyView):
    """A key that was made just now."""

    model_config = ConfigDict(json_schema_extra={"examples": [{**_KEY, "key": "psk_live_Ab12Cd34..."}]})

    key: Annotated[str, Field(description="The whole key, shown this once.")]


_LIMIT: Json = {
    "setting": "RATE_LIMIT_WRITE_PER_S",
    "value": 5000,
    "unit": "requests/s",
    "text": "Commands on payments, for each API key.",
}


class LimitView(Answer):
    """A limit that is in force."""

    model_config = ConfigDict(json_schema_extra={"examples": [_LIMIT]})

    setting: Annotated[str | None, Field(description="null: no setting changes it.")]
    value: Annotated[int, Field(description="0 of a request limit: as many as it likes.")]
    unit: str
    text: str


class LimitList(Answer):
    """The limits of this process."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"data": [_LIMIT]}]})

    data: list[LimitView]
