"""The one shape of an encrypted value, and what is read of it without a key."""

from typing import Any
from uuid import UUID

import orjson
from hypothesis import given
from hypothesis import strategies as st

from schemas.personal.encrypted import (
    ENCRYPTED,
    ERASED,
    EncryptedValue,
    has_encrypted,
    hidden,
    key_ids,
    replaced,
    without,
)

VALUES = st.builds(
    EncryptedValue,
    key_id=st.uuids(),
    sealed=st.binary(min_size=1, max_size=60),
    partial=st.none() | st.from_regex(r"[0-9]{4}", fullmatch=True),
)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
ONE = EncryptedValue(key_id=UUID(int=1), sealed=b"sealed")


@given(VALUES)
def test_what_is_written_is_read(value: EncryptedValue) -> None:
    assert EncryptedValue.parse(str(value)) == value


@given(st.text() | st.none() | st.integers())
def test_anything_else_is_no_encrypted_value(value: object) -> None:
    assert EncryptedValue.parse(value) is None


@given(PLAIN)
def test_a_document_without_any_stays_as_it_is(document: Any) -> None:
    data = orjson.dumps(document)
    assert (has_encrypted(data), key_ids(data), hidden(data)) == (False, set(), data)


@given(VALUES, PLAIN)
def test_an_encrypted_value_is_hidden_wherever_it_stands(value: EncryptedValue, beside: Any) -> None:
    data = orjson.dumps({"a": beside, "b": [{"c/d": str(value)}], "e": "x"})
    assert key_ids(data) == {value.key_id}
    assert orjson.loads(hidden(data)) == {"a": beside, "b": [{"c/d": ENCRYPTED}], "e": "x"}
    seen: list[tuple[EncryptedValue, str]] = []
    again = replaced(orjson.loads(data), lambda found, pointer: seen.append((found, pointer)))
    assert (seen, again["b"]) == ([(value, "/b/0/c~1d")], [{"c/d": None}])


def test_who_knows_that_a_key_was_destroyed_can_say_so() -> None:
    other = EncryptedValue(key_id=UUID(int=2), sealed=b"sealed")
    data = orjson.dumps([str(ONE), str(other)])
    assert orjson.loads(hidden(data, lambda key_id: ERASED if key_id == ONE.key_id else ENCRYPTED)) == [
        ERASED,
        ENCRYPTED,
    ]


def test_what_a_pointer_names_is_erased_and_nothing_else() -> None:
    document = {"description": "a", "metadata": {"e~/mail": "b", "order": "c"}, "legs": [{"metadata": {"name": "d"}}]}
    erased = without(document, {"/description", "/metadata/e~0~1mail", "/legs/0/metadata/name", "/nothing"})
    assert erased == {
        "description": ERASED,
        "metadata": {"e~/mail": ERASED, "order": "c"},
        "legs": [{"metadata": {"name": ERASED}}],
    }


def test_nothing_is_erased_where_nothing_is() -> None:
    assert without({"description": None}, {"/description"}) == {"description": None}
