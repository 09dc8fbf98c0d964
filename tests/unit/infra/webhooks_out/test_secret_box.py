"""Secrets of endpoints are encrypted for one endpoint, by the newest key."""

import os
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.webhooks_out.secret_box import SecretBox, WrongSecretsKey

OLD, NEW = os.urandom(32), os.urandom(32)


@given(st.text(max_size=100))
def test_what_was_encrypted_is_decrypted(secret: str) -> None:
    endpoint_id = uuid4()
    box = SecretBox([NEW])
    stored = box.encrypt(secret, endpoint_id=endpoint_id)
    assert box.decrypt(stored, endpoint_id=endpoint_id) == secret
    assert stored != box.encrypt(secret, endpoint_id=endpoint_id)


def test_while_a_key_is_replaced_both_decrypt_and_the_new_one_encrypts() -> None:
    endpoint_id = uuid4()
    both = SecretBox([NEW, OLD])
    of_before = SecretBox([OLD]).encrypt("one", endpoint_id=endpoint_id)
    assert both.decrypt(of_before, endpoint_id=endpoint_id) == "one"
    of_now = both.encrypt("two", endpoint_id=endpoint_id)
    assert SecretBox([NEW]).decrypt(of_now, endpoint_id=endpoint_id) == "two"
    with pytest.raises(WrongSecretsKey):
        SecretBox([OLD]).decrypt(of_now, endpoint_id=endpoint_id)


@given(at=st.integers(0, 30), bit=st.integers(0, 7))
def test_what_was_altered_or_moved_is_not_decrypted(at: int, bit: int) -> None:
    endpoint_id = uuid4()
    box = SecretBox([NEW])
    stored = bytearray(box.encrypt("whsec_abc", endpoint_id=endpoint_id))
    with pytest.raises(WrongSecretsKey) as refused:
        box.decrypt(bytes(stored), endpoint_id=uuid4())
    assert "whsec" not in str(refused.value)
    stored[at] ^= 1 << bit
    with pytest.raises(WrongSecretsKey):
        box.decrypt(bytes(stored), endpoint_id=endpoint_id)
