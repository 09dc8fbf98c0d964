"""The OpenAPI documents say what is, in a way that generators of clients understand."""

import ast
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import BaseModel

import command_api.app
import query_api.app
from command_api.errors import CommandError
from command_api.headers import KEY_PATTERN, MAX_KEY_CHARS, read_idempotency_key
from domain.money import Money
from domain.payment.events import PaymentEvent
from infra.http.problems import Problem
from schemas.events import PAYMENT_EVENT_TYPES, EventType
from schemas.events.examples import PAYMENT_EXAMPLES
from schemas.http import payments, reconciliations
from schemas.http.summaries import summary
from schemas.http.timeline import TimelineEntry
from tests.support.hypothesis_profiles import examples
from tests.support.openapi_documents import DOCUMENTS, operations, schemas_in, validator

st.register_type_strategy(
    Money, st.builds(Money, amount_cents=st.integers(0, 10**12), currency=st.sampled_from(["USD", "JPY", "KWD"]))
)
ROOT = Path(__file__).parents[3]
both = pytest.mark.parametrize("document", DOCUMENTS.values(), ids=DOCUMENTS)
QUERIES = DOCUMENTS["query-api"]
VERB = (
    r"(create|confirm|capture|cancel|refund|get|list|request|receive|update|delete|rotate|revoke|resend|replay"
    r"|explain|resolve|assign|retry|give_up|accept|discard|use|lock|unlock|end)"
)


def test_what_is_published_is_what_the_code_describes() -> None:
    described = {**command_api.app.openapi_documents(), **query_api.app.openapi_documents()}
    published = {f"openapi/{name}.json": document for name, document in DOCUMENTS.items()}
    assert json.loads(json.dumps(described)) == published, "make schemas publishes what was changed"


@both
def test_each_operation_has_a_short_name_of_a_verb_and_a_noun(document: Any) -> None:
    names = [operation["operationId"] for _, operation in operations(document)]
    assert len(set(names)) == len(names)
    for name in names:
        assert re.fullmatch(rf"{VERB}(_[a-z]+){{1,3}}", name), name


@both
def test_no_schema_has_a_default_of_null_or_a_title_made_of_its_name(document: Any) -> None:
    for place, schema in schemas_in(document):
        assert "default" not in schema or schema["default"] is not None, place
        assert not isinstance(schema.get("title"), str) or place == "$.info", place


@both
def test_whatever_needs_a_key_says_what_becomes_of_it(document: Any) -> None:
    for name, operation in operations(document):
        if operation.get("security"):
            assert {"401", "403", "429"} <= set(operation["responses"]), name


@both
def test_no_parameter_can_be_null(document: Any) -> None:
    for name, operation in operations(document):
        for parameter in operation.get("parameters", ()):
            kinds = [each.get("type") for _, each in schemas_in(parameter["schema"])]
            assert "null" not in kinds, (name, parameter["name"])


@both
def test_no_schema_of_a_request_has_a_default(document: Any) -> None:
    for name, schema in document["components"]["schemas"].items():
        if name.endswith("Body") and name != "ProblemBody":
            assert not [place for place, each in schemas_in(schema) if "default" in each], name


@both
def test_what_is_left_out_of_a_problem_is_not_null(document: Any) -> None:
    kinds = [each.get("type") for _, each in schemas_in(document["components"]["schemas"]["ProblemBody"])]
    assert "null" not in kinds


@both
def test_every_integer_says_that_it_has_64_bits(document: Any) -> None:
    for place, schema in schemas_in(document):
        if schema.get("type") == "integer":
            assert schema["format"] == "int64", place


@both
def test_no_schema_is_named_after_a_module_or_a_direction(document: Any) -> None:
    for name in document["components"]["schemas"]:
        assert re.fullmatch(r"[A-Z][A-Za-z]+", name)
        assert not name.endswith(("Input", "Output"))


@both
def test_no_two_values_of_enumerations_have_one_name(document: Any) -> None:
    names: Counter[str] = Counter()
    for name, schema in document["components"]["schemas"].items():
        if "enum" in schema:
            assert len(schema["x-enum-varnames"]) == len(schema["enum"]), name
            names.update(schema["x-enum-varnames"])
    assert names
    assert [name for name, count in names.items() if count > 1] == []


@both
def test_an_answer_may_get_new_members_and_a_request_may_not(document: Any) -> None:
    for name, schema in document["components"]["schemas"].items():
        if schema.get("type") == "object":
            taken = name.endswith("Body") and name != "ProblemBody"
            assert schema.get("additionalProperties", True) is (not taken), name


@both
def test_each_schema_of_an_object_has_examples_that_fit(document: Any) -> None:
    for name, schema in document["components"]["schemas"].items():
        if schema.get("type") == "object":
            assert schema["examples"], name
        for example in schema.get("examples", ()):
            validator(document, schema).validate(example)


@both
def test_each_example_of_a_body_or_parameter_fits(document: Any) -> None:
    found = 0
    for _, operation in operations(document):
        bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
        media = [each for body in bodies for each in body.get("content", {}).values()]
        for described in [*operation.get("parameters", ()), *media]:
            shown = [each["value"] for each in described.get("examples", {}).values()]
            for example in [*shown, *([described["example"]] if "example" in described else [])]:
                found += 1
                validator(document, described["schema"]).validate(example)
    assert found


@both
def test_each_problem_has_an_example_of_each_code(document: Any) -> None:
    known = document["components"]["schemas"]["ProblemCode"]["enum"]
    for name, operation in operations(document):
        for status, response in operation["responses"].items():
            if int(status) >= 400:
                (media,) = response["content"].values()
                assert media["examples"], (name, status)
                assert set(media["examples"]) <= set(known)
                assert all(each["value"]["status"] == int(status) for each in media["examples"].values())


def test_no_idempotency_key_is_suggested() -> None:
    for _, operation in operations(DOCUMENTS["command-api"]):
        for parameter in operation.get("parameters", ()):
            if parameter["name"] == "Idempotency-Key":
                assert not {"example", "examples"} & (parameter.keys() | parameter["schema"].keys())


@both
def test_where_it_is_and_what_is_about_what_is_said(document: Any) -> None:
    assert [each["url"] for each in document["servers"]] in (["http://localhost:8000"], ["http://localhost:8001"])
    described = {tag["name"] for tag in document["tags"] if tag["description"]}
    used = {tag for _, operation in operations(document) for tag in operation["tags"]}
    assert described == used
    for name, operation in operations(document):
        assert operation["security"] == ([] if name == "POST /webhooks/stripe" else [{"ApiKey": []}]), name


def codes_in(package: str) -> set[str]:
    """Return the codes of the problems that a package's code makes."""
    found: set[str] = set()
    for file in (ROOT / package).rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Problem":
                found |= {str(arg.value) for arg in node.args[1:2] if isinstance(arg, ast.Constant)}
    return found


@pytest.mark.parametrize(("package", "name"), [("command_api", "command-api"), ("query_api", "query-api")])
def test_each_code_that_an_api_answers_is_in_its_document(package: str, name: str) -> None:
    codes = codes_in(package) | codes_in("infra/http")
    assert "url_too_long" in codes
    assert codes <= set(DOCUMENTS[name]["components"]["schemas"]["ProblemCode"]["enum"])


@pytest.mark.parametrize(
    "model",
    [
        payments.CreatePaymentBody,
        payments.ConfirmPaymentBody,
        payments.CapturePaymentBody,
        payments.CancelPaymentBody,
        payments.RefundPaymentBody,
        reconciliations.RequestReconciliationBody,
    ],
)
def test_the_examples_of_a_request_are_taken(model: type[BaseModel]) -> None:
    shown = DOCUMENTS["command-api"]["components"]["schemas"][model.__name__]["examples"]
    for example in shown:
        model.model_validate(example)


ESCAPED = '\\"'
HEADER_TEXT = st.characters(max_codepoint=0x80, exclude_characters="\n")  # which ends a header
KEYS = st.one_of(st.text(HEADER_TEXT, max_size=300), st.from_regex(KEY_PATTERN, fullmatch=True))


@settings(max_examples=examples(300))
@given(value=KEYS)
def test_the_pattern_of_an_idempotency_key_is_what_is_taken(value: str) -> None:
    schema = Draft202012Validator(
        next(
            parameter["schema"]
            for _, operation in operations(DOCUMENTS["command-api"])
            for parameter in operation.get("parameters", ())
            if parameter["name"] == "Idempotency-Key"
        )
    )
    try:
        taken = read_idempotency_key([value]) is not None
    except Problem:
        taken = False
    except CommandError:  # it holds a card number, which no pattern can say
        return
    assert schema.is_valid(value) == (taken and value == value.strip())


@pytest.mark.parametrize("value", ["k" * MAX_KEY_CHARS, f'"{"k" * MAX_KEY_CHARS}"', f'"{ESCAPED * MAX_KEY_CHARS}"'])
def test_the_longest_idempotency_keys_fit_the_pattern(value: str) -> None:
    assert re.search(KEY_PATTERN, value)
    assert not re.search(KEY_PATTERN, value[:-1] + "kk" + value[-1])


@pytest.mark.parametrize("event_type", PAYMENT_EVENT_TYPES, ids=lambda each: each.name)
@settings(max_examples=examples(25))
@given(data=st.data())
def test_what_the_timeline_says_of_an_event_fits_its_type(
    event_type: EventType[PaymentEvent], data: st.DataObject
) -> None:
    event = data.draw(st.from_type(event_type.model))
    entry = {**ENTRY, "type": event_type.name, "data": json.loads(json.dumps(summary(event), default=str))}
    schemas = QUERIES["components"]["schemas"]
    mapping = schemas["TimelineEntry"]["discriminator"]["mapping"]
    validator(QUERIES, {"$ref": mapping[event_type.name]}).validate(entry)
    assert TimelineEntry.model_validate_json(json.dumps(entry)).root.type == event_type.name
    data_schema = schemas[mapping[event_type.name].rpartition("/")[2].replace("Entry", "Data")]
    assert summary(event).keys() <= data_schema["properties"].keys()


ENTRY: dict[str, Any] = {
    "position": 42,
    "version": 1,
    "at": "2026-11-22T19:37:00.123Z",
    "actor": "stripe-gateway",
    "request_id": None,
    "correlation_id": "c",
}


def test_an_event_of_a_newer_type_fits_the_timeline_too() -> None:
    entry = {**ENTRY, "type": "payment.of_a_later_type", "data": {"anything": 1}}
    validator(QUERIES, {"$ref": "#/components/schemas/TimelineEntry"}).validate(entry)


def test_a_known_type_with_what_it_never_says_is_noticed_by_our_tests() -> None:
    entry = {**ENTRY, "type": "payment.succeeded", "data": {"anything": 1}}
    with pytest.raises(ValueError, match="amount_captured_cents"):
        TimelineEntry.model_validate_json(orjson.dumps(entry))


def test_every_type_of_a_payments_events_has_an_example() -> None:
    assert PAYMENT_EXAMPLES.keys() == {each.name for each in PAYMENT_EVENT_TYPES}
    for event_type in PAYMENT_EVENT_TYPES:
        assert isinstance(PAYMENT_EXAMPLES[event_type.name], event_type.model)
