"""Which of Stripe's objects are of a payment of ours, and how they are shown."""

import uuid
from typing import Any

import pytest

from consumers.stripe.lists.our_payments import _traces
from consumers.stripe.translate.ids import PAYMENT_ID

PAYMENT = uuid.UUID(int=7)


def an_object(metadata: Any) -> dict[str, Any]:
    known = {"object": "refund", "id": "re_1", "status": "succeeded", "amount": 400, "currency": "usd"}
    return {**known, "metadata": metadata}


def test_an_object_that_names_a_payment_of_ours_is_a_trace_of_it() -> None:
    (trace,) = _traces(an_object({PAYMENT_ID: str(PAYMENT)}))
    assert (trace.payment_id, trace.where) == (PAYMENT, "Stripe: refund re_1, succeeded, 400 USD")


@pytest.mark.parametrize("metadata", [None, {}, {"order": "7"}, {PAYMENT_ID: "no id"}])
def test_what_is_another_systems_is_none(metadata: Any) -> None:
    assert list(_traces(an_object(metadata))) == []
