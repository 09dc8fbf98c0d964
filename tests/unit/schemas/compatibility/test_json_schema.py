"""What the JSON Schema of an event may not take back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.schemas.compatibility.documents import MAYBE_TEXT, NUMBER, TEXT, Schema, an_object, found

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
