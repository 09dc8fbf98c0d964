"""The AsyncAPI document keeps the rules of https://www.asyncapi.com/docs/reference/specification/v3.0.0.

There is no validator of it in Python. FastStream's models know the types of its members; the rest is checked here.
"""

from typing import Any

import pytest
from faststream.specification.asyncapi.v3_0_0.schema import ApplicationSchema
from jsonschema import Draft202012Validator

from schemas.export.asyncapi import DEAD_LETTER, PROGRESS
from schemas.topics import event_topics
from tests.support.exported_schemas import ASYNCAPI, followed

CHANNELS: dict[str, Any] = ASYNCAPI["channels"]
MESSAGES: dict[str, Any] = ASYNCAPI["components"]["messages"]
# The members that the specification has for each object, of which this document may use any.
ROOT = {"asyncapi", "id", "info", "servers", "defaultContentType", "channels", "operations", "components"}
INFO = {"title", "version", "description", "termsOfService", "contact", "license", "tags", "externalDocs"}
CHANNEL = {
    *("address", "messages", "title", "summary", "description", "servers", "parameters", "tags", "externalDocs"),
    "bindings",
}
OPERATION = {
    *("action", "channel", "title", "summary", "description", "security", "tags", "externalDocs", "bindings"),
    *("traits", "messages", "reply"),
}
MESSAGE = {
    *("headers", "payload", "correlationId", "contentType", "name", "title", "summary", "description", "tags"),
    *("externalDocs", "bindings", "examples", "traits"),
}
CHANNEL_BINDING = {"topic", "partitions", "replicas", "topicConfiguration", "bindingVersion"}
MESSAGE_BINDING = {"key", "schemaIdLocation", "schemaIdPayloadEncoding", "schemaLookupStrategy", "bindingVersion"}


def test_every_member_has_the_type_that_it_should_have() -> None:
    ApplicationSchema.model_validate(ASYNCAPI)


def test_no_object_has_members_that_the_specification_does_not_know() -> None:
    assert ASYNCAPI.keys() <= ROOT
    assert ASYNCAPI["info"].keys() <= INFO
    assert ASYNCAPI["components"].keys() == {"messages"}
    for channel in CHANNELS.values():
        assert channel.keys() <= CHANNEL
        assert channel["bindings"]["kafka"].keys() <= CHANNEL_BINDING
    for operation in ASYNCAPI["operations"].values():
        assert operation.keys() <= OPERATION
    for message in MESSAGES.values():
        assert message.keys() <= MESSAGE
        assert message["bindings"]["kafka"].keys() <= MESSAGE_BINDING


@pytest.mark.parametrize("name", ASYNCAPI["operations"])
def test_an_operation_sends_messages_of_its_own_channel(name: str) -> None:
    operation = ASYNCAPI["operations"][name]
    assert operation["action"] == "send"
    reference = operation["channel"]["$ref"]
    channel = followed(reference)
    listed = {message["$ref"] for message in operation["messages"]}
    assert listed == {f"{reference}/messages/{message}" for message in channel["messages"]}
    for message in listed:
        assert followed(message)["$ref"].startswith("#/components/messages/")


@pytest.mark.parametrize("topic", CHANNELS)
def test_a_channel_is_a_topic_and_its_binding_says_so(topic: str) -> None:
    assert CHANNELS[topic]["address"] == CHANNELS[topic]["bindings"]["kafka"]["topic"] == topic
    carries_events = CHANNELS[topic]["messages"].keys().isdisjoint({DEAD_LETTER, PROGRESS})
    assert (topic in event_topics()) == carries_events


@pytest.mark.parametrize("name", MESSAGES)
def test_the_schemas_of_a_message_are_schemas(name: str) -> None:
    message = MESSAGES[name]
    assert message["name"] == name
    for schema in (message["headers"], message["payload"], message["bindings"]["kafka"]["key"]):
        Draft202012Validator.check_schema(schema)
