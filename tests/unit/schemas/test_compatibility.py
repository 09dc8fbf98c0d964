"""What a published document may not take back."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.compatibility import breaking_changes

Schema = dict[str, Any]
TEXT: Schema = {"type": "string"}
MAYBE_TEXT: Schema = {"anyOf": [{"type": "string"}, {"type": "null"}]}
NUMBER: Schema = {"type": "integer"}


def an_object(*optional: str, **properties: Schema) -> Schema:
    """Return an object whose properties are required, but for those named."""
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required}


def found(old: Schema, new: Schema) -> list[str]:
    return [str(change) for change in breaking_changes(old, new)]


# --- Events ----------------------------------------------------------------------------------------------------------

CAT = an_object(kind={"const": "cat"}, lives=NUMBER)
DOG = an_object(kind={"const": "dog"})
TREE: Schema = {"$ref": "#/$defs/Tree", "$defs": {"Tree": an_object("left", name=TEXT, left={"$ref": "#/$defs/Tree"})}}
RENAMED_TREE: Schema = {
    "$ref": "#/$defs/Node",
    "$defs": {"Node": an_object("left", "right", name=TEXT, left={"$ref": "#/$defs/Node"}, right=TEXT)},
}
PAIR: Schema = {
    "A": an_object("b", b={"$ref": "#/$defs/B"}),
    "B": an_object("a", "c", a={"$ref": "#/$defs/A"}, c={"$ref": "#/$defs/C"}),
}

ALLOWED_IN_EVENTS = {
    "the same": (an_object(a=TEXT), an_object(a=TEXT)),
    "an optional property": (an_object(a=TEXT), an_object("b", a=TEXT, b=MAYBE_TEXT)),
    "an optional property within": (an_object(a=an_object()), an_object(a=an_object("b", b=TEXT))),
    "an optional property in what an array holds": (
        {"type": "array", "items": an_object()},
        {"type": "array", "items": an_object("b", b=TEXT)},
    ),
    "other words": (
        {"title": "A", **an_object(a={**TEXT, "description": "x"})},
        {"$id": "urn:b", "$comment": "c", **an_object(a={**TEXT, "examples": ["y"], "title": "z"})},
    ),
    "a definition made of it, with words of its own": (
        an_object(a={"type": "string", "enum": ["x"]}),
        {**an_object(a={"$ref": "#/$defs/A", "description": "d"}), "$defs": {"A": {"type": "string", "enum": ["x"]}}},
    ),
    "a schema that holds itself": (TREE, RENAMED_TREE),
    "another way to say the same": (
        an_object(a=MAYBE_TEXT, b={"const": "x"}),
        an_object(a={"type": ["null", "string"]}, b={"enum": ["x"]}),
    ),
    "an optional property in one of several": ({"oneOf": [CAT, DOG]}, {"anyOf": [DOG, {**CAT, "title": "Cat"}]}),
    "a property with the type that others had": (
        {"type": "object", "additionalProperties": TEXT},
        {"type": "object", "additionalProperties": TEXT, "properties": {"note": TEXT}},
    ),
}
FORBIDDEN_IN_EVENTS = {
    "property removed": (an_object(a=TEXT), an_object(), "$.properties.a: removed"),
    "optional property removed": (an_object("a", a=TEXT), an_object(), "$.properties.a: removed"),
    "type changed": (an_object(a=TEXT), an_object(a=NUMBER), "$.properties.a: string has become integer"),
    "may be null": (an_object(a=TEXT), an_object(a=MAYBE_TEXT), "$.properties.a: string has become string or null"),
    "never null": (an_object(a=MAYBE_TEXT), an_object(a=TEXT), "$.properties.a: null has become string"),
    "kept free, then used": (
        an_object(a={"type": "null"}),
        an_object(a=MAYBE_TEXT),
        "$.properties.a: null has become string or null",
    ),
    "new and required": (an_object(), an_object(a=TEXT), "$.properties.a: new and required"),
    "now required": (
        an_object("a", a=TEXT),
        an_object(a=TEXT),
        "$.properties.a: was optional and has become required",
    ),
    "now optional": (
        an_object(a=TEXT),
        an_object("a", a=TEXT),
        "$.properties.a: was always there and has become optional",
    ),
    "fewer values": ({"enum": ["a", "b"]}, {"enum": ["a"]}, '$: no longer allows "b"'),
    "more values": ({"enum": ["a"]}, {"enum": ["a", "b"]}, '$: now allows "b"'),
    "any value": ({**TEXT, "enum": ["a"]}, TEXT, "$: now allows other values"),
    "not any value": (TEXT, {**TEXT, "enum": ["a"]}, "$: no longer allows other values"),
    "tighter": (TEXT, {**TEXT, "maxLength": 5}, "$: maxLength (none) has become 5"),
    "looser": ({**TEXT, "maxLength": 5}, {**TEXT, "maxLength": 6}, "$: maxLength 5 has become 6"),
    "format": ({**TEXT, "format": "uuid"}, TEXT, '$: format "uuid" has become (none)'),
    "unknown keyword": (TEXT, {**TEXT, "not": {}}, "$: not (none) has become {}"),
    "another default": (
        an_object("a", a={**TEXT, "default": "x"}),
        an_object("a", a={**TEXT, "default": "y"}),
        '$.properties.a: the default "x" has become "y"',
    ),
    "what an array holds": (
        an_object(a={"type": "array", "items": TEXT}),
        an_object(a={"type": "array", "items": NUMBER}),
        "$.properties.a.items: string has become integer",
    ),
    "in a tuple": (
        {"type": "array", "prefixItems": [TEXT, TEXT]},
        {"type": "array", "prefixItems": [TEXT, NUMBER]},
        "$.prefixItems[1]: string has become integer",
    ),
    "other members refused": (
        an_object(),
        {**an_object(), "additionalProperties": False},
        "$.additionalProperties: anything has become nothing",
    ),
    "other members of another type": (
        {"type": "object", "additionalProperties": TEXT},
        {"type": "object", "additionalProperties": NUMBER},
        "$.additionalProperties: string has become integer",
    ),
    "one of many with another type": (
        {"type": "object", "additionalProperties": TEXT},
        {"type": "object", "additionalProperties": TEXT, "properties": {"note": NUMBER}},
        "$.additionalProperties: string has become integer",
    ),
    "in a definition": (
        {**an_object(a={"$ref": "#/$defs/M"}, b={"$ref": "#/$defs/M"}), "$defs": {"M": an_object(cents=NUMBER)}},
        {**an_object(a={"$ref": "#/$defs/M"}, b={"$ref": "#/$defs/M"}), "$defs": {"M": an_object(cents=TEXT)}},
        "$['$defs'].M.properties.cents: integer has become string",
    ),
    "in a definition that holds itself": (
        TREE,
        {"$ref": "#/$defs/Tree", "$defs": {"Tree": an_object(name=TEXT, left={"$ref": "#/$defs/Tree"})}},
        "$['$defs'].Tree.properties.left: was optional and has become required",
    ),
    "in a definition of a definition that names the one that names it": (
        {"$ref": "#/$defs/A", "$defs": {**PAIR, "C": an_object(cents=NUMBER)}},
        {"$ref": "#/$defs/A", "$defs": {**PAIR, "C": an_object(cents=TEXT)}},
        "$['$defs'].C.properties.cents: integer has become string",
    ),
    "true where it was 1": (
        an_object(a={"const": 1}),
        an_object(a={"const": True}),
        "$.properties.a: integer has become boolean",
    ),
    "one of several": (
        {"oneOf": [CAT, DOG]},
        {"oneOf": [DOG, an_object(kind={"const": "cat"}, lives=TEXT)]},
        "$.oneOf[0].properties.lives: integer has become string",
    ),
    "a reference to another file": ({"$ref": "./a.json"}, {"$ref": "./b.json"}, "$: ./a.json has become ./b.json"),
    "another kind of document": (an_object(), {"openapi": "3.1.0"}, "$: has become another kind of document"),
}


@pytest.mark.parametrize("case", ALLOWED_IN_EVENTS)
def test_an_event_may_change_so(case: str) -> None:
    old, new = ALLOWED_IN_EVENTS[case]
    assert found(old, new) == []


@pytest.mark.parametrize("case", FORBIDDEN_IN_EVENTS)
def test_an_event_must_not_change_so(case: str) -> None:
    old, new, expected = FORBIDDEN_IN_EVENTS[case]
    assert expected in found(old, new)


def test_a_finding_in_a_shared_definition_is_reported_once() -> None:
    old, new, expected = FORBIDDEN_IN_EVENTS["in a definition"]
    assert found(old, new) == [expected]


LEAVES = st.sampled_from(["string", "integer", "number", "boolean", "null"])
NAMES = st.sampled_from(["type", "properties", "description", "a", "b", "$ref", "amount cents"])


def _objects(of: st.SearchStrategy[Schema]) -> st.SearchStrategy[Schema]:
    return st.builds(
        lambda properties, optional: an_object(*optional, **properties),
        st.dictionaries(NAMES, of, max_size=3),
        st.sets(NAMES),
    )


documents = _objects(
    st.recursive(
        LEAVES.map(lambda kind: {"type": kind}),
        lambda inner: (
            _objects(inner)
            | inner.map(lambda items: {"type": "array", "items": items})
            | inner.filter(lambda schema: schema.get("type") != "null").map(
                lambda schema: {"anyOf": [schema, {"type": "null"}]}
            )
        ),
        max_leaves=8,
    )
)


def _with_one_object_changed(document: Schema, data: st.DataObject, *, needs_a_property: bool) -> tuple[Schema, Schema]:
    """Return a copy of the document, and an object somewhere in the copy that the test may change."""
    objects: list[Schema] = []

    def copy(schema: Schema) -> Schema:
        made = dict(schema)
        if "properties" in schema:
            made["properties"] = {name: copy(inner) for name, inner in schema["properties"].items()}
            if made["properties"] or not needs_a_property:
                objects.append(made)
        if "items" in schema:
            made["items"] = copy(schema["items"])
        if "anyOf" in schema:
            made["anyOf"] = [copy(choice) for choice in schema["anyOf"]]
        return made

    copied = copy(document)
    return copied, data.draw(st.sampled_from(objects))


@given(document=documents)
def test_a_document_is_compatible_with_itself(document: Schema) -> None:
    assert found(document, document) == []


@given(document=documents, data=st.data())
def test_an_optional_property_may_be_added_at_any_depth(document: Schema, data: st.DataObject) -> None:
    changed, place = _with_one_object_changed(document, data, needs_a_property=False)
    place["properties"]["added"] = data.draw(documents)
    assert found(document, changed) == []


@given(document=documents.filter(lambda document: document["properties"]), data=st.data())
def test_no_property_may_be_removed_at_any_depth(document: Schema, data: st.DataObject) -> None:
    changed, place = _with_one_object_changed(document, data, needs_a_property=True)
    del place["properties"][data.draw(st.sampled_from(sorted(place["properties"])))]
    assert any(change.endswith(": removed") for change in found(document, changed))


@given(document=documents.filter(lambda document: document["properties"]), data=st.data())
def test_no_property_may_get_another_type_at_any_depth(document: Schema, data: st.DataObject) -> None:
    changed, place = _with_one_object_changed(document, data, needs_a_property=True)
    name = data.draw(st.sampled_from(sorted(place["properties"])))
    before = place["properties"][name]
    place["properties"][name] = data.draw(LEAVES.map(lambda kind: {"type": kind}).filter(lambda new: new != before))
    assert any("has become" in change for change in found(document, changed))


# --- OpenAPI ---------------------------------------------------------------------------------------------------------


def an_api(
    *,
    request: Schema | None = None,
    answer: Schema | None = None,
    parameters: list[Schema] | None = None,
    version: str = "1",
    **operation: Any,
) -> Schema:
    post: Schema = {
        "responses": {
            "200": {
                "content": {"application/json": {"schema": answer or an_object()}},
                "headers": {"ETag": {"schema": TEXT}},
            }
        },
        "parameters": parameters or [],
        **operation,
    }
    if request is not None:
        post["requestBody"] = {"content": {"application/json": {"schema": request}}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "t", "version": version},
        "paths": {"/payments/{id}": {"post": post}},
        "components": {"securitySchemes": {"ApiKey": {"type": "http", "scheme": "bearer", "description": "d"}}},
    }


def a_parameter(name: str = "limit", **fields: Any) -> Schema:
    return {"name": name, "in": "query", "schema": NUMBER, **fields}


OPERATION = "$.paths['/payments/{id}'].post"
REQUEST = f"{OPERATION}.requestBody.content['application/json'].schema"
ANSWER = f"{OPERATION}.responses['200'].content['application/json'].schema"
NULLABLE_OBJECT = {"anyOf": [an_object(a=TEXT), {"type": "null"}]}

OTHER_MAPPING = '{"mapping": {"a": "B"}, "propertyName": "type"}'

ALLOWED_IN_APIS = {
    "an optional field in a request": (an_api(request=an_object()), an_api(request=an_object("a", a=TEXT))),
    "a field no longer required": (an_api(request=an_object(a=TEXT)), an_api(request=an_object("a", a=TEXT))),
    "more values in a request": (an_api(request={"enum": ["a"]}), an_api(request={"enum": ["a", "b"]})),
    "a request may be null": (an_api(request=an_object(a=TEXT)), an_api(request=an_object(a=MAYBE_TEXT))),
    "a laxer limit in a request": (
        an_api(request={**TEXT, "maxLength": 5, "pattern": "a"}),
        an_api(request={**TEXT, "maxLength": 6}),
    ),
    "a request that takes other members": (
        an_api(request={**an_object(), "additionalProperties": False}),
        an_api(request=an_object()),
    ),
    "a body where there was none": (an_api(), an_api(request=an_object())),
    "a field in an answer": (
        an_api(answer={**an_object(), "additionalProperties": False}),
        an_api(answer={**an_object(a=TEXT), "additionalProperties": False}),
    ),
    "fewer values in an answer": (an_api(answer={"enum": ["a", "b"]}), an_api(answer={"enum": ["a"]})),
    "an answer that names more types": (
        an_api(answer={**an_object(), "discriminator": {"propertyName": "type", "mapping": {"a": "A"}}}),
        an_api(answer={**an_object(), "discriminator": {"propertyName": "type", "mapping": {"a": "A", "b": "B"}}}),
    ),
    "an answer that is never null": (an_api(answer=an_object(a=MAYBE_TEXT)), an_api(answer=an_object(a=TEXT))),
    "a field that was kept free": (
        an_api(answer=an_object(dispute={"type": "null"})),
        an_api(answer=an_object(dispute=NULLABLE_OBJECT)),
    ),
    "a tighter limit in an answer": (an_api(answer=NUMBER), an_api(answer={**NUMBER, "minimum": 0})),
    "an optional parameter": (an_api(), an_api(parameters=[a_parameter()])),
    "a parameter that can no longer be null, which it never could": (
        an_api(parameters=[a_parameter(schema={"anyOf": [NUMBER, {"type": "null"}]})]),
        an_api(parameters=[a_parameter()]),
    ),
    "the width of an integer that is bounded": (
        an_api(request=an_object(a={**NUMBER, "maximum": 2**63 - 1})),
        an_api(request=an_object(a={**NUMBER, "maximum": 2**63 - 1, "format": "int64"})),
    ),
    "a value in an enumeration that says that more may come": (
        an_api(answer={"anyOf": [{**TEXT, "enum": ["a"]}, TEXT]}),
        an_api(answer={"anyOf": [{**TEXT, "enum": ["a", "b"]}, TEXT]}),
    ),
    "a parameter no longer required": (
        an_api(parameters=[a_parameter(required=True)]),
        an_api(parameters=[a_parameter()]),
    ),
    "no credentials": (an_api(security=[{"ApiKey": []}]), an_api()),
    "other credentials too": (
        an_api(security=[{"ApiKey": []}]),
        an_api(security=[{"OAuth": ["write"]}, {"ApiKey": []}]),
    ),
    "another contract": (an_api(), {**an_api(version="2.0"), "paths": {}}),
}
FORBIDDEN_IN_APIS = {
    "path": (an_api(), {**an_api(), "paths": {}}, "$.paths['/payments/{id}']: path removed"),
    "operation": (an_api(), {**an_api(), "paths": {"/payments/{id}": {}}}, f"{OPERATION}: operation removed"),
    "response": (an_api(), an_api(responses={}), f"{OPERATION}.responses['200']: response removed"),
    "response header": (
        an_api(answer=TEXT),
        an_api(responses={"200": {"content": {"application/json": {"schema": TEXT}}}}),
        f"{OPERATION}.responses['200'].headers.ETag: response header removed",
    ),
    "media type": (
        an_api(),
        an_api(responses={"200": {"content": {}, "headers": {"ETag": {"schema": TEXT}}}}),
        f"{OPERATION}.responses['200'].content['application/json']: media type removed",
    ),
    "answer's field removed": (
        an_api(answer=an_object("a", a=TEXT)),
        an_api(answer=an_object()),
        f"{ANSWER}.properties.a: removed",
    ),
    "answer's field optional": (
        an_api(answer=an_object(a=TEXT)),
        an_api(answer=an_object("a", a=TEXT)),
        f"{ANSWER}.properties.a: was always there and has become optional",
    ),
    "answer's field retyped": (
        an_api(answer=an_object(a=TEXT)),
        an_api(answer=an_object(a=NUMBER)),
        f"{ANSWER}.properties.a: string has become integer",
    ),
    "answer's field null": (
        an_api(answer=an_object(a=TEXT)),
        an_api(answer=an_object(a=MAYBE_TEXT)),
        f"{ANSWER}.properties.a: string has become string or null",
    ),
    "answer's values": (
        an_api(answer={"enum": ["a"]}),
        an_api(answer={"enum": ["a", "b"]}),
        f'{ANSWER}: now allows "b"',
    ),
    "answer's limit": (
        an_api(answer={**NUMBER, "minimum": 0}),
        an_api(answer=NUMBER),
        f"{ANSWER}: minimum 0 has become (none)",
    ),
    "request's field removed": (
        an_api(request=an_object("a", a=TEXT)),
        an_api(request=an_object()),
        f"{REQUEST}.properties.a: removed",
    ),
    "request's field required": (
        an_api(request=an_object("a", a=TEXT)),
        an_api(request=an_object(a=TEXT)),
        f"{REQUEST}.properties.a: was optional and has become required",
    ),
    "request's field new and required": (
        an_api(request=an_object()),
        an_api(request=an_object(a=TEXT)),
        f"{REQUEST}.properties.a: new and required",
    ),
    "request's field retyped": (
        an_api(request=an_object(a=TEXT)),
        an_api(request=an_object(a=NUMBER)),
        f"{REQUEST}.properties.a: string has become integer",
    ),
    "request's values": (
        an_api(request={"enum": ["a", "b"]}),
        an_api(request={"enum": ["a"]}),
        f'{REQUEST}: no longer allows "b"',
    ),
    "request's limit": (
        an_api(request={**NUMBER, "minimum": 1}),
        an_api(request={**NUMBER, "minimum": 50}),
        f"{REQUEST}: minimum 1 has become 50",
    ),
    "request's default": (
        an_api(request=an_object("confirm", confirm={"type": "boolean", "default": False})),
        an_api(request=an_object("confirm", confirm={"type": "boolean", "default": True})),
        f"{REQUEST}.properties.confirm: the default false has become true",
    ),
    "request that refuses other members": (
        an_api(request=an_object()),
        an_api(request={**an_object(), "additionalProperties": False}),
        f"{REQUEST}.additionalProperties: anything has become nothing",
    ),
    "body required": (
        an_api(request=an_object()),
        an_api(requestBody={"required": True, "content": {"application/json": {"schema": an_object()}}}),
        f"{OPERATION}: the request body has become required",
    ),
    "parameter removed": (
        an_api(parameters=[a_parameter()]),
        an_api(),
        f"{OPERATION}.parameters[0]: the query parameter limit removed",
    ),
    "parameter required": (
        an_api(parameters=[a_parameter()]),
        an_api(parameters=[a_parameter(required=True)]),
        f"{OPERATION}.parameters[0]: the query parameter limit has become required",
    ),
    "parameter new and required": (
        an_api(),
        an_api(parameters=[a_parameter(required=True)]),
        f"{OPERATION}: the query parameter limit is new and required",
    ),
    "parameter tighter": (
        an_api(parameters=[a_parameter()]),
        an_api(parameters=[a_parameter(schema={**NUMBER, "maximum": 10})]),
        f"{OPERATION}.parameters[0].schema: maximum (none) has become 10",
    ),
    "the width of an integer that had none": (
        an_api(parameters=[a_parameter()]),
        an_api(parameters=[a_parameter(schema={**NUMBER, "format": "int64"})]),
        f'{OPERATION}.parameters[0].schema: format (none) has become "int64"',
    ),
    "parameter's default": (
        an_api(parameters=[a_parameter(schema={**NUMBER, "default": 20})]),
        an_api(parameters=[a_parameter(schema={**NUMBER, "default": 10})]),
        f"{OPERATION}.parameters[0].schema: the default 20 has become 10",
    ),
    "credentials": (an_api(), an_api(security=[{"ApiKey": []}]), f"{OPERATION}: asks for other credentials"),
    "other credentials": (
        an_api(security=[{"ApiKey": []}]),
        an_api(security=[{"ApiKey": [], "Second": []}]),
        f"{OPERATION}: asks for other credentials",
    ),
    "what a type is": (
        an_api(answer={**an_object(), "discriminator": {"propertyName": "type", "mapping": {"a": "A"}}}),
        an_api(answer={**an_object(), "discriminator": {"propertyName": "type", "mapping": {"a": "B"}}}),
        f'{ANSWER}: discriminator {{"mapping": {{"a": "A"}}, "propertyName": "type"}} has become {OTHER_MAPPING}',
    ),
    "how credentials are given": (
        an_api(),
        {**an_api(), "components": {"securitySchemes": {"ApiKey": {"type": "apiKey", "in": "query", "name": "key"}}}},
        "$.components.securitySchemes.ApiKey: credentials are given in another way",
    ),
}


@pytest.mark.parametrize("case", ALLOWED_IN_APIS)
def test_an_api_may_change_so(case: str) -> None:
    old, new = ALLOWED_IN_APIS[case]
    assert found(old, new) == []


@pytest.mark.parametrize("case", FORBIDDEN_IN_APIS)
def test_an_api_must_not_change_so(case: str) -> None:
    old, new, expected = FORBIDDEN_IN_APIS[case]
    assert found(old, new) == [expected]


# --- AsyncAPI --------------------------------------------------------------------------------------------------------


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
