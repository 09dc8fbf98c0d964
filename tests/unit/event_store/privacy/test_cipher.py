"""Values and keys: only the same key, event and place read what was encrypted."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.ids import KeyId
from event_store.privacy.cipher import Damaged, DataKey, UnknownWrappingKey, WrappingKeys
from schemas.personal import EncryptedValue, Subject

WRAPPING = WrappingKeys({"b": bytes([2]) * 32, "a": bytes([1]) * 32})
OLDER = WrappingKeys({"a": bytes([1]) * 32})
ADA = Subject.user("m", "ada")
KEY_ID, EVENT_ID = KeyId(UUID(int=1)), UUID(int=2)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


def a_key() -> DataKey:
    return WRAPPING.unwrap(WRAPPING.new_key(KEY_ID, ADA))


def parsed(text: str) -> EncryptedValue:
    found = EncryptedValue.parse(text)
    assert found is not None
    return found


@given(JSON, st.text(), st.uuids())
def test_what_is_encrypted_is_read_again(value: Any, pointer: str, event_id: UUID) -> None:
    key = a_key()
    encrypted = parsed(key.encrypt(value, event_id=event_id, pointer=pointer))
    assert encrypted.key_id == KEY_ID
    assert key.decrypt(encrypted, event_id=event_id, pointer=pointer) == value


@given(st.text(min_size=1), st.text(min_size=1))
def test_a_value_that_was_moved_is_refused(pointer: str, other: str) -> None:
    key = a_key()
    encrypted = parsed(key.encrypt("Ada", event_id=EVENT_ID, pointer=pointer))
    with pytest.raises(Damaged):
        key.decrypt(encrypted, event_id=EVENT_ID, pointer=pointer + other)
    with pytest.raises(Damaged):
        key.decrypt(encrypted, event_id=UUID(int=3), pointer=pointer)


@given(st.data())
def test_a_value_that_was_altered_is_refused(data: st.DataObject) -> None:
    key = a_key()
    encrypted = parsed(key.encrypt("Ada", event_id=EVENT_ID, pointer="/x"))
    at = data.draw(st.integers(0, len(encrypted.sealed) - 1))
    flipped = bytes([encrypted.sealed[at] ^ 1])
    altered = replace(encrypted, sealed=encrypted.sealed[:at] + flipped + encrypted.sealed[at + 1 :])
    with pytest.raises(Damaged):
        key.decrypt(altered, event_id=EVENT_ID, pointer="/x")
    with pytest.raises(Damaged):
        key.decrypt(replace(encrypted, sealed=encrypted.sealed[:at]), event_id=EVENT_ID, pointer="/x")


def test_another_key_is_refused() -> None:
    encrypted = parsed(a_key().encrypt("Ada", event_id=EVENT_ID, pointer="/x"))
    with pytest.raises(Damaged):
        a_key().decrypt(encrypted, event_id=EVENT_ID, pointer="/x")


def test_no_two_values_look_the_same() -> None:
    key = a_key()
    assert len({key.encrypt("Ada", event_id=EVENT_ID, pointer="/x") for _ in range(100)}) == 100


def test_what_is_new_is_wrapped_with_the_first_and_older_keys_are_read() -> None:
    older = OLDER.new_key(KEY_ID, ADA)
    assert (WRAPPING.newest, older.wrapping_key) == ("b", "a")
    text = OLDER.unwrap(older).encrypt("Ada", event_id=EVENT_ID, pointer="/x")
    rewrapped = WRAPPING.rewrap(older)
    assert rewrapped.wrapping_key == "b"
    for key in (WRAPPING.unwrap(older), WRAPPING.unwrap(rewrapped)):
        assert key.decrypt(parsed(text), event_id=EVENT_ID, pointer="/x") == "Ada"
    with pytest.raises(UnknownWrappingKey):
        OLDER.unwrap(rewrapped)


def test_a_key_of_another_subject_is_refused() -> None:
    key = WRAPPING.new_key(KEY_ID, ADA)
    with pytest.raises(UnknownWrappingKey):
        WRAPPING.unwrap(replace(key, subject=Subject.user("m", "bob")))


def test_nothing_shows_a_key() -> None:
    assert repr(WRAPPING) == "WrappingKeys(b, a)"
    assert "AESGCM" not in repr(a_key())
