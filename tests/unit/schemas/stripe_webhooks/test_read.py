from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.stripe_webhooks.read import NotAnEvent, read_event
from tests.support.signed_webhooks import a_stripe_event

MISSING = object()


def read(event: Any) -> Any:
    return read_event(orjson.dumps(event))


def test_an_event_is_read_with_what_it_is_about() -> None:
    event = a_stripe_event("charge.refunded", {"id": "ch_1", "object": "charge"}, id="evt_1", created=7)
    found = read(event)
    assert (found.stripe_event_id, found.type, found.object_id) == ("evt_1", "charge.refunded", "ch_1")
    assert (found.account, found.livemode, found.created, found.api_version) == (None, False, 7, event["api_version"])
    assert found.payload == event


@pytest.mark.parametrize("obj", [{}, {"object": "balance", "id": None}, {"id": 7}])
def test_an_object_without_an_id_is_about_nothing(obj: dict[str, Any]) -> None:
    assert read(a_stripe_event("balance.available", obj)).object_id is None


def test_a_type_that_nobody_heard_of_is_read_as_any_other() -> None:
    assert read(a_stripe_event("v9.moon_landing.completed")).type == "v9.moon_landing.completed"


def test_the_event_of_a_connected_account_names_it() -> None:
    assert read(a_stripe_event(account="acct_1")).account == "acct_1"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"id": MISSING}, "id"),
        ({"id": ""}, "id"),
        ({"id": 7}, "id"),
        ({"object": "v2.core.event"}, "object"),
        ({"type": MISSING}, "type"),
        ({"type": "Payment Intent"}, "type"),
        ({"created": "7"}, "created"),
        ({"created": 1e400}, "created"),
        ({"created": -1}, "created"),
        ({"livemode": MISSING}, "livemode"),
        ({"livemode": "true"}, "livemode"),
        ({"data": MISSING}, "data"),
        ({"data": {}}, "data.object"),
        ({"data": {"object": "pi_1"}}, "data.object"),
        ({"api_version": 7}, "api_version"),
        ({"account": 7}, "account"),
    ],
)
def test_what_is_missing_or_wrong_is_named_and_not_repeated(change: dict[str, Any], said: str) -> None:
    event = {name: value for name, value in (a_stripe_event() | change).items() if value is not MISSING}
    with pytest.raises(NotAnEvent, match=said) as raised:
        read(event)
    assert "Payment Intent" not in str(raised.value)


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b'"event"', b"null", b"\xff", b'{"a":NaN}', b'{"a":"\\ud800"}'])
def test_what_is_no_json_object_is_no_event(raw: bytes) -> None:
    with pytest.raises(NotAnEvent):
        read_event(raw)


@pytest.mark.parametrize("depth", [101, 1000, 100_000])
def test_huge_nesting_is_refused_and_breaks_nothing(depth: int) -> None:
    raw = orjson.dumps(a_stripe_event()).replace(b'"pi_1"', b"[" * depth + b"]" * depth)
    with pytest.raises(NotAnEvent):
        read_event(raw)


@given(st.binary(max_size=200))
def test_no_bytes_at_all_raise_anything_else(raw: bytes) -> None:
    with pytest.raises(NotAnEvent):
        read_event(raw)
