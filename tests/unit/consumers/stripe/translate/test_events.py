import uuid
from typing import Any

import pytest

from consumers.stripe.translate.events import ObjectKind, Reference, object_kind_of, reference_of
from consumers.stripe.translate.ids import PAYMENT_ID
from schemas.events.stripe_events import StripeEventReceived
from tests.support.signed_webhooks import a_stripe_event

OURS = uuid.uuid4()


def reference_in(event_type: str, obj: dict[str, Any]) -> Reference | None:
    payload = a_stripe_event(event_type, obj)
    event = StripeEventReceived(
        stripe_event_id=payload["id"],
        type=event_type,
        account=None,
        livemode=False,
        created=1,
        api_version=None,
        object_id=None,
        payload=payload,
    )
    return reference_of(event)


@pytest.mark.parametrize(
    ("event_type", "kind"),
    [
        ("payment_intent.succeeded", ObjectKind.INTENT),
        ("payment_intent.payment_failed", ObjectKind.INTENT),
        ("payment_intent.requires_action", ObjectKind.INTENT),
        ("payment_intent.processing", ObjectKind.INTENT),
        ("payment_intent.canceled", ObjectKind.INTENT),
        ("payment_intent.amount_capturable_updated", ObjectKind.INTENT),
        ("charge.refunded", ObjectKind.CHARGE),
        ("charge.refund.updated", ObjectKind.REFUND),
        ("refund.created", ObjectKind.REFUND),
        ("refund.updated", ObjectKind.REFUND),
        ("refund.failed", ObjectKind.REFUND),
        ("charge.dispute.created", ObjectKind.DISPUTE),
        ("charge.dispute.updated", ObjectKind.DISPUTE),
        ("charge.dispute.funds_withdrawn", ObjectKind.DISPUTE),
        ("charge.dispute.funds_reinstated", ObjectKind.DISPUTE),
        ("charge.dispute.closed", ObjectKind.DISPUTE),
        ("payment_intent.created", None),
        ("charge.succeeded", None),
        ("payout.paid", None),
        ("customer.created", None),
        ("refunds", None),
    ],
)
def test_the_types_that_payments_depend_on(event_type: str, kind: ObjectKind | None) -> None:
    assert object_kind_of(event_type) is kind
    assert (reference_in(event_type, {"id": "x"}) is None) == (kind is None)


def test_an_intent_is_found_by_our_metadata_or_its_own_id() -> None:
    found = reference_in("payment_intent.succeeded", {"id": "pi_1", "metadata": {PAYMENT_ID: str(OURS)}})
    assert found is not None
    assert (found.intent_id, found.payment_id) == ("pi_1", OURS)


@pytest.mark.parametrize("event_type", ["charge.refunded", "refund.updated", "charge.dispute.created"])
@pytest.mark.parametrize("intent", ["pi_1", {"id": "pi_1", "object": "payment_intent"}])
def test_others_name_the_intent_that_they_belong_to_expanded_or_not(event_type: str, intent: object) -> None:
    found = reference_in(event_type, {"id": "x", "payment_intent": intent, "metadata": {}})
    assert found is not None
    assert (found.intent_id, found.payment_id) == ("pi_1", None)


@pytest.mark.parametrize(
    "obj",
    [
        {},
        {"id": 7, "payment_intent": 7, "metadata": 7},
        {"id": None, "payment_intent": None, "metadata": {PAYMENT_ID: "order 7"}},
        {"id": [], "payment_intent": {"id": 1}, "metadata": {PAYMENT_ID: None}},
    ],
)
@pytest.mark.parametrize("event_type", ["payment_intent.succeeded", "charge.refunded"])
def test_what_names_nothing_leads_nowhere_and_breaks_nothing(event_type: str, obj: dict[str, Any]) -> None:
    found = reference_in(event_type, obj)
    assert found is not None
    assert (found.intent_id, found.payment_id) == (None, None)
