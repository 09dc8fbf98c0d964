"""Which values of events are personal, and whose."""

import re
from typing import Any

import pytest

from schemas.events.examples import EXAMPLES
from schemas.events.registry import BY_NAME, EVENT_TYPES
from schemas.personal import Subject
from schemas.personal.fields import is_personal_name

WORDS = frozenset({"email", "name", "phone", "address"})
ADA = Subject.user("m", "ada")


def found(event_type: str, data: dict[str, Any]) -> dict[str, Subject]:
    """Return where the personal values of an event are, and whose."""
    personal = BY_NAME[event_type].personal
    assert personal is not None
    return {each.pointer: each.subject for each in personal.find(data, WORDS)}


def a_payment(**changes: Any) -> dict[str, Any]:
    return {"merchant_id": "m", "user_id": "ada", "description": None, "metadata": {}, **changes}


def a_stripe_event(stripe_object: dict[str, Any], **beside: Any) -> dict[str, Any]:
    return {"stripe_event_id": "evt_1", "payload": {"data": {"object": stripe_object, **beside}}}


@pytest.mark.parametrize(
    "name",
    ["email", "Email", "billing_email", "billingEmail", "customer-e-mail email", "shipping.address", "firstName"],
)
def test_a_name_with_one_of_the_words_is_personal(name: str) -> None:
    assert is_personal_name(name, WORDS)


@pytest.mark.parametrize("name", ["order", "emailed", "filename", "", "nam e", "addressee"])
def test_a_word_within_another_is_not_one(name: str) -> None:
    assert not is_personal_name(name, WORDS)


def test_a_payment_has_its_description_and_what_is_named_or_looks_so() -> None:
    metadata = {"order": "A-1", "email": "x", "note": "write to ada@mail.example", "handle": "@ada"}
    data = a_payment(description="Flowers", metadata=metadata)
    assert found("payment.requested", data) == dict.fromkeys(("/description", "/metadata/email", "/metadata/note"), ADA)


def test_a_payment_without_any_has_none() -> None:
    assert found("payment.requested", a_payment(metadata={"order": "A-1"})) == {}


def test_each_leg_of_a_split_payment_is_of_its_own_user() -> None:
    legs = [{"user_id": "ada", "metadata": {"name": "Ada"}}, {"user_id": "bob", "metadata": {"name": "Bob"}}]
    data = a_payment(metadata={"email": "x"}, legs=legs)
    assert found("split_payment.requested", data) == {
        "/metadata/email": ADA,
        "/legs/0/metadata/name": ADA,
        "/legs/1/metadata/name": Subject.user("m", "bob"),
    }


OF_A_CHARGE = {
    "id": "ch_1",
    "object": "charge",
    "amount": 1000,
    "status": "succeeded",
    "payment_intent": "pi_1",
    "receipt_email": "ada@mail.example",
    "description": "Flowers",
    "of_tomorrow": "whatever it is",
    "billing_details": {"name": "Ada", "address": {"city": "London"}},
    "metadata": {"order": "A-1", "paystream_payment_id": "019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071"},
    "payment_method_details": {"type": "card", "card": {"brand": "visa", "last4": "4242", "fingerprint": "F1"}},
    "refunds": {"object": "list", "data": [{"id": "re_1", "object": "refund", "reason": "duplicate", "note": "x"}]},
}


def test_of_an_object_of_stripe_stays_what_is_needed_for_money() -> None:
    subject = Subject.stripe("019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071")
    within = (
        *("receipt_email", "description", "of_tomorrow", "billing_details", "metadata/order"),
        *("payment_method_details/card/fingerprint", "refunds/data/0/note"),
    )
    assert found("stripe_event.received", a_stripe_event(OF_A_CHARGE)) == {
        f"/payload/data/object/{each}": subject for each in within
    }


def test_how_a_card_is_to_be_asked_tells_of_nobody_and_costs_no_key() -> None:
    """Each webhook of a payment has it: a key for it would be written with every payment."""
    card = {
        "request_three_d_secure": "automatic",
        "request_extended_authorization": "if_available",
        "request_incremental_authorization": "never",
        "request_multicapture": "if_available",
        "request_overcapture": "never",
    }
    intent = {"id": "pi_1", "object": "payment_intent", "payment_method_options": {"card": card}}
    assert found("stripe_event.received", a_stripe_event(intent)) == {}


def test_what_an_object_was_before_is_as_personal() -> None:
    data = a_stripe_event({"id": "cus_1"}, previous_attributes={"email": "ada@mail.example", "balance": 0})
    assert found("stripe_event.received", data) == {"/payload/data/previous_attributes/email": Subject.stripe("cus_1")}


@pytest.mark.parametrize(
    ("stripe_object", "reference"),
    [
        ({"id": "re_1", "charge": "ch_1", "payment_intent": "pi_1"}, "pi_1"),
        ({"id": "re_1", "charge": {"id": "ch_1"}, "payment_intent": None}, "ch_1"),
        ({"id": "cus_1", "metadata": {"paystream_payment_id": "nonsense"}}, "cus_1"),
        ({}, "evt_1"),
    ],
)
def test_the_first_id_that_leads_to_a_payment_is_the_subject(stripe_object: dict[str, Any], reference: str) -> None:
    data = a_stripe_event({**stripe_object, "name": "Ada"})
    assert found("stripe_event.received", data)["/payload/data/object/name"] == Subject.stripe(reference)


def test_the_last_four_digits_of_what_is_hidden_stay() -> None:
    personal = BY_NAME["stripe_event.received"].personal
    assert personal is not None
    data = a_stripe_event({"id": "ba_1", "bank_account": {"last4": "6789", "account_holder_name": "Ada"}})
    (value,) = personal.find(data, WORDS)
    assert (value.pointer, value.partial) == ("/payload/data/object/bank_account", "6789")


def test_a_balance_transaction_has_the_description_of_its_payment() -> None:
    data = {"transaction_id": "txn_1", "source_id": "ch_1", "description": "Flowers"}
    assert found("stripe_balance.transaction_recorded", data) == {"/description": Subject.stripe("ch_1")}


@pytest.mark.parametrize("name", [each.name for each in EVENT_TYPES if each.personal is not None])
def test_the_example_of_each_type_can_be_looked_through(name: str) -> None:
    event_type = BY_NAME[name]
    data = event_type.adapter.dump_python(EXAMPLES[name], mode="json")
    assert all(re.match(r"/", pointer) for pointer in found(name, data))
