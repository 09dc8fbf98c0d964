"""What is said of a wrong value: what it must be."""

from enum import StrEnum
from typing import Annotated, Any, Literal

import pytest
from pydantic import ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError

from infra.http.wrong_values import what_it_must_be


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [
        (int, "1", "must be a whole number of 64 bits: no string, no fraction, no true or false"),
        (Annotated[int, Field(ge=1)], 0, "must be at least 1"),
        (Annotated[int, Field(gt=1)], 0, "must be greater than 1"),
        (Annotated[int, Field(le=1)], 10**30, "must be at most 1"),
        (Annotated[int, Field(lt=1)], 1, "must be less than 1"),
        (bool, 1, "must be true or false"),
        (str, 1, "must be a string"),
        (dict, 1, "must be an object"),
        (list, 1, "must be an array"),
        (Annotated[str, Field(min_length=1)], "", "must not be empty"),
        (Annotated[str, Field(min_length=2)], "", "must have at least 2 characters"),
        (Annotated[str, Field(max_length=2)], "abc", "must have at most 2 characters"),
        (Annotated[list[int], Field(min_length=1)], [], "must have at least 1 elements"),
        (Annotated[list[int], Field(max_length=1)], [1, 2], "must have at most 1 elements"),
        (Annotated[str, StringConstraints(pattern="^[A-Z]{3}$")], "x", "must match ^[A-Z]{3}$"),
        (Literal["a", "b"], "c", "must be 'a' or 'b'"),
        (Annotated[Colour, Field(strict=False)], "green", "must be 'red' or 'blue'"),
    ],
)
def test_a_wrong_value_is_told_what_it_must_be(kind: Any, value: object, said: str) -> None:
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(kind, config=ConfigDict(strict=True)).validate_python(value)
    assert [what_it_must_be(each) for each in refused.value.errors()] == [said]


def test_an_unknown_name_is_a_field_of_a_body_and_a_parameter_of_a_url() -> None:
    unknown = {"type": "extra_forbidden", "msg": "Extra inputs are not permitted"}
    assert what_it_must_be(unknown | {"loc": ("body", "colour")}) == "is not a known field"
    assert what_it_must_be(unknown | {"loc": ("query", "colour")}) == "is not a known parameter"


def test_what_it_has_no_words_for_is_said_as_the_library_says_it() -> None:
    other = {"type": "value_error", "loc": ("body",), "msg": "Value error, must be even"}
    assert what_it_must_be(other | {"ctx": {"error": ValueError()}}) == "must be even"
