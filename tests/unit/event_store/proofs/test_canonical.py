"""RFC 8785, by its own examples and against a second way."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from event_store.proofs.canonical import canonical, canonical_text, parse_exactly
from event_store.proofs.errors import MalformedProof

# RFC 8785, appendix B, less those that a double rounds, and PostgreSQL has not got (NaN, -0).
NUMBERS = {
    "0": "0",
    "5e-324": "5e-324",
    "-5e-324": "-5e-324",
    "1.7976931348623157e+308": "1.7976931348623157e+308",
    "9007199254740992": "9007199254740992",
    "295147905179352830000": "295147905179352830000",
    "9.999999999999997e+22": "9.999999999999997e+22",
    "1e+23": "1e+23",
    "1.0000000000000001e+23": "1.0000000000000001e+23",
    "999999999999999700000": "999999999999999700000",
    "999999999999999900000": "999999999999999900000",
    "1e+21": "1e+21",
    "9.999999999999997e-7": "9.999999999999997e-7",
    "0.000001": "0.000001",
    "333333333.3333332": "333333333.3333332",
    "-0.0000033333333333333333": "-0.0000033333333333333333",
    "1424953923781206.2": "1424953923781206.2",
    # and as PostgreSQL writes them
    "1000000000000000000000": "1e+21",
    "1.50": "1.5",
    "1.0": "1",
    "-120.00": "-120",
    "0.00": "0",
    "0.0000001": "1e-7",
}
SORTED = '{"\\u20ac":1,"\\r":2,"\\ufb33":3,"1":4,"\\ud83d\\ude00":5,"\\u0080":6,"\\u00f6":7}'

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="utf-8", exclude_characters="\0")),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=4)
    ),
    max_leaves=12,
)


@pytest.mark.parametrize("number", NUMBERS)
def test_numbers_are_those_of_the_rfc(number: str) -> None:
    assert canonical(parse_exactly(number)).decode() == NUMBERS[number]
    if "e" not in number:
        assert canonical_text(number).decode() == NUMBERS[number]


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_double_is_written_so_that_it_is_the_same_again(number: float) -> None:
    written = canonical(parse_exactly(repr(number))).decode()
    assert float(written) == number
    assert Decimal(written) == Decimal(repr(number))


def test_keys_are_sorted_as_utf_16() -> None:
    """The example of section 3.2.3."""
    assert list(json.loads(canonical(parse_exactly(SORTED))).values()) == [2, 4, 6, 7, 1, 5, 3]
    assert canonical_text(json.dumps(json.loads(SORTED), ensure_ascii=False)) == canonical(parse_exactly(SORTED))


def test_strings_are_escaped_as_little_as_can_be() -> None:
    """The example of section 3.2.2."""
    given = '"\\u20ac$\\u000F\\u000aA\'\\u0042\\u0022\\u005c\\\\\\"\\/"'
    assert canonical(parse_exactly(given)).decode() == '"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"'
    assert canonical_text(given) == canonical(parse_exactly(given))


@given(json_values)
def test_the_fast_way_writes_what_the_other_does(value: Any) -> None:
    text = json.dumps(value, ensure_ascii=False)
    assert canonical_text(text) == canonical(parse_exactly(text))


@given(json_values)
def test_what_is_written_is_the_value(value: Any) -> None:
    written = canonical(value)
    assert json.loads(written) == value
    assert canonical(parse_exactly(written.decode())) == written


numbers = st.integers() | st.decimals(allow_nan=False, allow_infinity=False)


@given(numbers, numbers)
def test_two_numbers_never_look_the_same(one: int | Decimal, other: int | Decimal) -> None:
    assert (canonical(one) == canonical(other)) == (one == other)


def test_a_number_that_no_double_holds_keeps_its_digits() -> None:
    assert canonical_text('{"a": 9007199254740993}') == b'{"a":9007199254740993}'
    assert canonical_text('{"a": 123456789012345678901}') == b'{"a":123456789012345678901}'
    assert canonical_text('{"a": 0.10000000000000000001}') == b'{"a":0.10000000000000000001}'


@pytest.mark.parametrize("text", ["", "{", "NaN", "[1,]", '"\\ud800"', "Infinity", "[" * 100_000])
def test_what_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(MalformedProof):
        canonical(parse_exactly(text))


def test_deep_values_are_written_too() -> None:
    deep = "[" * 300 + "]" * 300
    assert canonical_text(deep) == deep.encode()
