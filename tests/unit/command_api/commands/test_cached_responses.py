"""What an answer that Redis kept tells of a payment."""

import uuid

import orjson

from command_api.commands.cached_responses import _traces

PAYMENT = uuid.UUID(int=7)


def kept(name: str, body: dict[str, object], *, position: int = 9) -> bytes:
    return b"=" + orjson.dumps([name, "fingerprint", 201, position, orjson.dumps(body).decode()])


def test_a_payment_and_a_refund_are_traces_of_the_payment() -> None:
    names = [b"one", b"two"]
    values = [
        kept("one", {"id": str(PAYMENT)}),
        kept("two", {"payment_id": str(PAYMENT), "refund_id": str(uuid.UUID(int=8))}, position=12),
    ]
    found = _traces(names, values)
    assert [(each.payment_id, each.position) for each in found] == [(PAYMENT, 9), (PAYMENT, 12)]
    assert found[0].where == "Redis: the response was 201"


def test_markers_what_has_expired_and_other_keys_answers_are_none() -> None:
    assert _traces([b"one", b"two", b"three"], [b"?token", None, kept("another", {"id": str(PAYMENT)})]) == []
