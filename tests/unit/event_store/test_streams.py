"""Folding a stream: of a stream of another kind there is no state; what nobody can read is an error."""

from dataclasses import replace
from uuid import uuid4

import pytest

from event_store.payments import PAYMENT
from event_store.split_payments import SPLIT_PAYMENT
from schemas.errors import UnknownEventType
from tests.support.payment_histories import events_of, paid, recorded, request_payment

STREAM_ID = uuid4()
EVENTS = recorded([(STREAM_ID, events_of(paid(request_payment())))])


def test_a_stream_is_folded_to_its_last_version() -> None:
    loaded = PAYMENT.load(EVENTS)
    assert loaded.state is not None
    assert (loaded.version, loaded.position) == (EVENTS[-1].version, EVENTS[-1].position)


def test_a_stream_of_another_kind_is_as_if_it_were_not_there() -> None:
    loaded = SPLIT_PAYMENT.load(EVENTS)
    assert (loaded.state, loaded.version, loaded.events) == (None, 0, ())


def test_a_type_that_nobody_knows_is_an_error() -> None:
    newer = replace(EVENTS[0], type="payment.levitated")
    for aggregate in (PAYMENT, SPLIT_PAYMENT):
        with pytest.raises(UnknownEventType):
            aggregate.load([newer])
