"""Of whom what Stripe told is, in an archive: by the ids in it, also where some of it is encrypted."""

from typing import Any

import pytest

from event_store.privacy.user_data import ids_named


@pytest.mark.parametrize(
    ("shown", "named"),
    [
        ({"payment_intent": "pi_1", "charge": "ch_1"}, ["cus_1", "pi_1", "ch_1"]),
        ({"metadata": {"paystream_payment_id": "a payment"}}, ["cus_1", "a payment"]),
        ({"metadata": "encrypted:v1:x", "charge": {"id": "ch_1"}, "payment_intent": None}, ["cus_1"]),
        ("encrypted:v1:x", ["cus_1"]),
    ],
)
def test_ids_are_found_where_they_are_in_clear(shown: Any, named: list[str]) -> None:
    data = {"object_id": "cus_1", "payload": {"data": {"object": shown}}}
    assert list(ids_named(data)) == named


def test_what_has_no_object_names_nothing() -> None:
    assert list(ids_named({"payload": "encrypted:v1:x"})) == []
