"""Payments of a person, whose data can be searched for."""

from collections.abc import Mapping
from uuid import UUID

from domain.ids import CustomerId, MerchantId, PaymentId, StripeIntentId, UserId
from domain.money import Money
from domain.payment.commands import RequestPayment
from domain.payment.decide import decide
from domain.payment.observations import RecordIntentCreated
from domain.payment.values import PaymentStatus
from event_store.appends import Append
from event_store.payments import PAYMENT, LoadedPayment
from infra.ids import uuid7
from schemas.envelope import EventMetadata
from schemas.personal import Subject

MERCHANT, USER = MerchantId("merchant_test"), UserId("user_4711")
INTENT = StripeIntentId("pi_ada")
SUBJECT = Subject.user(MERCHANT, USER)
EMAIL, NAME, DESCRIPTION = "ada@mail.example", "Ada Lovelace", "Flowers for Charles"
METADATA: Mapping[str, str] = {"email": EMAIL, "customerName": NAME, "order": "A-1001"}


def a_payment(
    *,
    user_id: UserId = USER,
    merchant_id: MerchantId = MERCHANT,
    description: str | None = DESCRIPTION,
    metadata: Mapping[str, str] = METADATA,
) -> Append:
    """Return the request for a payment; nobody is asked to charge it."""
    payment_id = PaymentId(uuid7())
    command = RequestPayment(
        payment_id=payment_id,
        merchant_id=merchant_id,
        user_id=user_id,
        amount=Money(amount_cents=1000, currency="USD"),
        payment_method="pm_card_visa",
        confirm=True,
        description=description,
        metadata=metadata,
        customer=CustomerId("cus_ada"),
        idempotency_key=str(payment_id),
    )
    return Append.of(
        PAYMENT.codec,
        decide(None, command),
        stream_id=payment_id,
        expected_version=0,
        metadata=meta(merchant_id),
    )


def known_to_stripe(payment: LoadedPayment, stream_id: UUID) -> Append:
    """Return what follows when Stripe has the payment: nothing of it is under way then."""
    command = RecordIntentCreated(intent_id=INTENT, status=PaymentStatus.REQUIRES_CONFIRMATION)
    return Append.of(
        PAYMENT.codec,
        decide(payment.state, command),
        stream_id=stream_id,
        expected_version=payment.version,
        metadata=meta(),
    )


def meta(merchant_id: MerchantId = MERCHANT) -> EventMetadata:
    """Return what surrounds an event."""
    return EventMetadata(correlation_id="c-1", actor="test", merchant_id=merchant_id)
