"""What the AsyncAPI document may not take back."""

from typing import Any

import pytest

from tests.unit.schemas.compatibility.documents import TEXT, Schema, an_object, found


def some_topics(*, address: str = "paystream.payment", action: str = "send", **message: Any) -> Schema:
    event: Schema = {
        "name": "payment.canceled.v1",
        "contentType": "application/json",
        "headers": an_object("traceparent", ce_id=TEXT, traceparent=TEXT),
        "payload": {"$ref": "./events/payment.canceled.v1.json"},
        "bindings": {"kafka": {"key": {"type": "string", "format": "uuid"}}},
        **message,
    }
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "t", "version": "1"},
        "channels": {"payment": {"address": address, "messages": {"m": {"$ref": "#/components/messages/m"}}}},
        "operations": {"publish": {"action": action, "channel": {"$ref": "#/channels/payment"}}},
        "components": {"messages": {"m": event}},
    }


MESSAGE = "$.components.messages.m"
FORBIDDEN_IN_TOPICS = {
    "channel": ({**some_topics(), "channels": {}}, "$.channels.payment: channel removed"),
    "address": (some_topics(address="p"), "$.channels.payment.address: the address is now p"),
    "message": (
        {**some_topics(), "channels": {"payment": {"address": "paystream.payment"}}},
        "$.channels.payment.messages.m: message removed",
    ),
    "operation": (some_topics(action="receive"), "$.operations.publish: operation removed or turned round"),
    "name": (some_topics(name="x"), f"{MESSAGE}.name: another message name: x"),
    "header": (
        some_topics(headers=an_object("traceparent", traceparent=TEXT)),
        f"{MESSAGE}.headers.properties.ce_id: removed",
    ),
    "data": (
        some_topics(payload={"$ref": "./b.json"}),
        f"{MESSAGE}.payload: ./events/payment.canceled.v1.json has become ./b.json",
    ),
    "key": (
        some_topics(bindings={"kafka": {"key": TEXT}}),
        f'{MESSAGE}.bindings.kafka.key: format "uuid" has become (none)',
    ),
    "content type": (
        {**some_topics(), "defaultContentType": "text/plain"},
        "$.defaultContentType: another content type",
    ),
}


def test_topics_may_get_messages_and_headers() -> None:
    more = some_topics(headers=an_object("traceparent", "ce_new", ce_id=TEXT, traceparent=TEXT, ce_new=TEXT))
    more["channels"]["other"] = {"address": "paystream.other"}
    more["channels"]["payment"]["messages"]["n"] = {"name": "n"}
    assert found(some_topics(), more) == []


@pytest.mark.parametrize("case", FORBIDDEN_IN_TOPICS)
def test_topics_must_not_change_so(case: str) -> None:
    new, expected = FORBIDDEN_IN_TOPICS[case]
    assert found(some_topics(), new) == [expected]
