"""What an OpenAPI document may not take back."""

from typing import Any

import pytest

from tests.unit.schemas.compatibility.documents import MAYBE_TEXT, NUMBER, TEXT, Schema, an_object, found


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
