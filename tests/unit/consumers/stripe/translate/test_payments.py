from typing import Any

import pytest

from consumers.stripe.translate.errors import UnexpectedObject
from consumers.stripe.translate.payments import intent_observations, refund_observations
from domain.ids import AttemptId, RefundId, StripeChargeId, StripeIntentId, StripeRefundId
from domain.money import Money
from domain.payment.observations import (
    PaymentObservation,
    RecordActionRequired,
    RecordAttemptFailed,
    RecordAuthorized,
    RecordCanceled,
    RecordIntentCreated,
    RecordProcessing,
    RecordRefundFailed,
    RecordRefundPending,
    RecordRefundSucceeded,
    RecordSucceeded,
)
from domain.payment.values import PaymentStatus
from tests.unit.consumers.gateway.gateway_objects import INTENT_ID, REFUND_ID, a_decline, an_intent

TEN = Money(amount_cents=1000, currency="USD")
DECLINED = {
    "code": "card_declined",
    "decline_code": "insufficient_funds",
    "message": "Your card has insufficient funds.",
}
HELD = {"id": "ch_1", "payment_method_details": {"card": {"capture_before": 1_800_000_000}}}


@pytest.mark.parametrize(
    ("intent", "observation"),
    [
        (
            an_intent("succeeded", amount_received=1000, latest_charge="ch_1"),
            RecordSucceeded(intent_id=StripeIntentId(INTENT_ID), amount_captured=TEN, charge_id=StripeChargeId("ch_1")),
        ),
        (
            an_intent("requires_capture", amount_capturable=1000, latest_charge="ch_1"),
            RecordAuthorized(intent_id=StripeIntentId(INTENT_ID), amount=TEN, charge_id=StripeChargeId("ch_1")),
        ),
        (
            an_intent("requires_capture", amount_capturable=1000, latest_charge=HELD),
            RecordAuthorized(
                intent_id=StripeIntentId(INTENT_ID),
                amount=TEN,
                charge_id=StripeChargeId("ch_1"),
                capture_before=1_800_000_000,
            ),
        ),
        (an_intent("processing"), RecordProcessing(intent_id=StripeIntentId(INTENT_ID))),
        (
            an_intent("requires_action", next_action={"type": "use_stripe_sdk", "use_stripe_sdk": {}}),
            RecordActionRequired(intent_id=StripeIntentId(INTENT_ID), action_type="use_stripe_sdk"),
        ),
        (
            an_intent(
                "requires_action",
                next_action={"type": "redirect_to_url", "redirect_to_url": {"url": "https://bank.example"}},
            ),
            RecordActionRequired(
                intent_id=StripeIntentId(INTENT_ID), action_type="redirect_to_url", redirect_url="https://bank.example"
            ),
        ),
        (
            an_intent("canceled", cancellation_reason="abandoned"),
            RecordCanceled(intent_id=StripeIntentId(INTENT_ID), reason="abandoned"),
        ),
        (
            an_intent("canceled", cancellation_reason="expired"),
            RecordCanceled(intent_id=StripeIntentId(INTENT_ID), reason="expired"),
        ),
        (
            an_intent("canceled", cancellation_reason="automatic"),
            RecordCanceled(intent_id=StripeIntentId(INTENT_ID), reason="expired"),
        ),
        (
            an_intent("requires_payment_method"),
            RecordIntentCreated(intent_id=StripeIntentId(INTENT_ID), status=PaymentStatus.REQUIRES_PAYMENT_METHOD),
        ),
        (
            an_intent("requires_confirmation"),
            RecordIntentCreated(intent_id=StripeIntentId(INTENT_ID), status=PaymentStatus.REQUIRES_CONFIRMATION),
        ),
        (
            an_intent("requires_payment_method", last_payment_error=a_decline()),
            RecordAttemptFailed(attempt_id=AttemptId("ch_1"), intent_id=StripeIntentId(INTENT_ID), **DECLINED),
        ),
        (
            an_intent("requires_payment_method", last_payment_error=a_decline(charge=None)),
            RecordAttemptFailed(attempt_id=AttemptId("our-call"), intent_id=StripeIntentId(INTENT_ID), **DECLINED),
        ),
    ],
)
def test_an_intent_says(intent: dict[str, Any], observation: PaymentObservation) -> None:
    assert intent_observations(intent, attempt_id=AttemptId("our-call")) == (observation,)


@pytest.mark.parametrize(
    "intent",
    [
        {},
        an_intent("melted"),
        an_intent("succeeded", amount_received=1000),
        an_intent("succeeded", amount_received=None, latest_charge="ch_1"),
        an_intent("requires_action"),
    ],
)
def test_nothing_is_concluded_from_an_intent_unlike_the_reference(intent: dict[str, Any]) -> None:
    with pytest.raises(UnexpectedObject):
        intent_observations(intent, attempt_id=AttemptId("our-call"))


@pytest.mark.parametrize(
    ("intent", "said"),
    [
        ({"id": "pi_7"}, "payment intent pi_7: KeyError 'status'"),
        ({"id": "pi_7", "status": "melted"}, "payment intent pi_7: ValueError "),
        (an_intent("succeeded", amount_received=1000), f"payment intent {INTENT_ID}: TypeError no id where"),
    ],
)
def test_an_intent_unlike_the_reference_is_named_with_what_is_wrong(intent: dict[str, Any], said: str) -> None:
    with pytest.raises(UnexpectedObject) as refused:
        intent_observations(intent, attempt_id=None)
    assert str(refused.value).startswith(said)


@pytest.mark.parametrize(
    ("refund", "observation"),
    [
        (
            {"status": "succeeded"},
            RecordRefundSucceeded(refund_id=RefundId(REFUND_ID), stripe_refund_id=StripeRefundId("re_1")),
        ),
        (
            {"status": "pending"},
            RecordRefundPending(refund_id=RefundId(REFUND_ID), stripe_refund_id=StripeRefundId("re_1")),
        ),
        (
            {"status": "requires_action"},
            RecordRefundPending(refund_id=RefundId(REFUND_ID), stripe_refund_id=StripeRefundId("re_1")),
        ),
        (
            {"status": "failed", "failure_reason": "expired_or_canceled_card"},
            RecordRefundFailed(
                refund_id=RefundId(REFUND_ID),
                stripe_refund_id=StripeRefundId("re_1"),
                code="expired_or_canceled_card",
                message="The refund failed: expired_or_canceled_card.",
            ),
        ),
        (
            {"status": "canceled"},
            RecordRefundFailed(
                refund_id=RefundId(REFUND_ID),
                stripe_refund_id=StripeRefundId("re_1"),
                code="refund_canceled",
                message="The refund failed: refund_canceled.",
            ),
        ),
    ],
)
def test_a_refund_says(refund: dict[str, Any], observation: PaymentObservation) -> None:
    assert refund_observations({"id": "re_1", **refund}, refund_id=RefundId(REFUND_ID)) == (observation,)


def test_nothing_is_concluded_from_a_refund_with_an_unknown_status() -> None:
    with pytest.raises(UnexpectedObject):
        refund_observations({"id": "re_1", "status": "melted"}, refund_id=RefundId(REFUND_ID))


def test_a_page_that_stripes_libraries_open_is_where_the_customer_goes() -> None:
    sdk = {"type": "three_d_secure_redirect", "stripe_js": "https://bank.example/3ds"}
    shown = an_intent("requires_action", next_action={"type": "use_stripe_sdk", "use_stripe_sdk": sdk})
    (observation,) = intent_observations(shown, attempt_id=AttemptId("a"))
    assert observation == RecordActionRequired(
        intent_id=StripeIntentId(INTENT_ID), action_type="use_stripe_sdk", redirect_url="https://bank.example/3ds"
    )


@pytest.mark.parametrize(
    "sdk",
    [
        {"type": "three_d_secure_redirect", "stripe_js": "https://hooks.stripe.test/3ds?client_secret=src_secret"},
        {"type": "stripe_3ds2_fingerprint", "stripe_js": ""},
    ],
)
def test_what_only_stripes_libraries_can_open_is_no_page_of_ours(sdk: dict[str, str]) -> None:
    shown = an_intent("requires_action", next_action={"type": "use_stripe_sdk", "use_stripe_sdk": sdk})
    (observation,) = intent_observations(shown, attempt_id=AttemptId("a"))
    assert observation == RecordActionRequired(
        intent_id=StripeIntentId(INTENT_ID), action_type="use_stripe_sdk", redirect_url=None
    )


def test_an_address_with_a_client_secret_is_not_recorded() -> None:
    url = "https://hooks.example/3d_secure?payment_intent_client_secret=pi_1_secret_2"
    shown = an_intent("requires_action", next_action={"type": "redirect_to_url", "redirect_to_url": {"url": url}})
    (observation,) = intent_observations(shown, attempt_id=AttemptId("a"))
    assert observation == RecordActionRequired(
        intent_id=StripeIntentId(INTENT_ID), action_type="redirect_to_url", redirect_url=None
    )
