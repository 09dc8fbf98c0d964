"""The parameters of the reads of payments."""

from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from domain.ids import SplitPaymentId, StripeIntentId, UserId
from projections.payments.as_of import AsOf
from projections.payments.read import MOST_OF_AN_ID, PaymentFilters
from query_api.parameters import LARGEST, CurrencyFilter, PageParameters, ReadParameters, Text
from schemas.http.payment_views import StatusFilter
from schemas.http.strict import IN_DIGITS, Boolean, Id, Moment
from schemas.http.written_amounts import WRITTEN, by_currency

Cents = Annotated[int, Field(ge=0, le=LARGEST), IN_DIGITS]
_OF_AN_ID = (
    f"Looked for among the newest {MOST_OF_AN_ID} payments that have it; an erased payment is not found by it, nor one "
    "whose timeline was removed."
)


class PaymentParameters(ReadParameters):
    """Of which moment a payment is shown: now, unless one of these says otherwise."""

    as_of: Moment | None = Field(
        default=None,
        description="As it was at this moment, by the order of the log; ISO 8601, in UTC unless it has an offset. "
        "One in whole milliseconds, as times are shown, lasts until its millisecond ends. Of one that is yet to come "
        "it is the newest.",
    )
    version: Annotated[int, Field(ge=1, le=LARGEST), IN_DIGITS] | None = Field(
        default=None, description="As it was after its event of this number; the newest if it has no such event yet."
    )

    @model_validator(mode="after")
    def _at_most_one(self) -> Self:
        if self.as_of is not None and self.version is not None:
            raise PydanticCustomError("one_of", "give as_of or version, not both")
        return self

    def place(self) -> AsOf | None:
        """Return the place in the payment's history that is asked for; None for now."""
        if self.as_of is None and self.version is None:
            return None
        return AsOf(moment=self.as_of, version=self.version)


class PaymentFilterParameters(ReadParameters):
    """The filters of payments; those that are given must all hold."""

    status: StatusFilter | None = Field(default=None, description="Where the payment stands.")
    user_id: Text[UserId] | None = Field(default=None, description="Who pays, as named when the payment was created.")
    currency: CurrencyFilter | None = Field(default=None, description="ISO 4217 code.")
    created_after: Moment | None = Field(
        default=None, description="Later than this; ISO 8601, in UTC unless it has an offset."
    )
    created_before: Moment | None = Field(
        default=None, description="Earlier than this; ISO 8601, in UTC unless it has an offset."
    )
    amount_min: Cents | None = Field(default=None, description="In the smallest unit, inclusive.")
    amount_max: Cents | None = Field(default=None, description="In the smallest unit, inclusive.")
    stripe_payment_intent_id: Text[StripeIntentId] | None = Field(
        default=None, description="Stripe's id of the payment (pi_...)."
    )
    idempotency_key: Text[str] | None = Field(default=None, description="The key that it was created with.")
    contradicted: Boolean | None = Field(
        default=None,
        description="True: only payments where Stripe contradicts the log; false: only the others.",
    )
    disputed: Boolean | None = Field(
        default=None, description="True: only payments that were ever disputed; false: only the others."
    )
    refusal_code: Text[str] | None = Field(
        default=None,
        description="Only payments whose last try was refused with this: the `decline_code` of `last_error`, or its "
        "`code` where there is none.",
    )
    split_payment_id: Id[SplitPaymentId] | None = Field(default=None, description="Only legs of this split payment.")
    decimal_amount: Annotated[str, StringConstraints(pattern=f"^{WRITTEN}$")] | None = Field(
        default=None,
        description="The amount as people write it, in the currency's own units: `12.34`; `500` is 500.00 USD and "
        "500 JPY. In every currency that has so many decimals, unless `currency` is given.",
    )
    request_id: Text[str] | None = Field(
        default=None, description=f"The `X-Request-ID` of a request that led to an event of the payment. {_OF_AN_ID}"
    )
    correlation_id: Text[str] | None = Field(
        default=None,
        description=f"The `X-Correlation-ID` of a request that led to an event of the payment. {_OF_AN_ID}",
    )

    def filters(self) -> PaymentFilters:
        """Return the filters for the read model."""
        return PaymentFilters(
            status=self.status.value if self.status else None,
            user_id=self.user_id,
            currency=self.currency,
            created_after=self.created_after,
            created_before=self.created_before,
            amount_min=self.amount_min,
            amount_max=self.amount_max,
            stripe_payment_intent_id=self.stripe_payment_intent_id,
            idempotency_key=self.idempotency_key,
            contradicted=self.contradicted,
            disputed=self.disputed,
            refusal_code=self.refusal_code,
            split_payment_id=self.split_payment_id,
            amounts=None if self.decimal_amount is None else by_currency(self.decimal_amount),
            request_id=self.request_id,
            correlation_id=self.correlation_id,
        )


class PaymentListParameters(PaymentFilterParameters, PageParameters):
    """The filters of the list of payments, and which page of it."""


class PaymentCountParameters(PaymentFilterParameters):
    """The filters of the payments that are counted."""

    at_most: Annotated[int, Field(ge=1, le=10_000, description="Where the count stops."), IN_DIGITS] = 1000
