"""The settings of personal data: what is refused, and that nothing of a key is repeated."""

import base64
from typing import Any

import pytest
from pydantic import ValidationError

from infra.settings.loading import explain
from infra.settings.privacy import PrivacySettings

ONE, OTHER = (base64.b64encode(bytes([number]) * 32).decode() for number in (1, 2))


def settings(**given: Any) -> PrivacySettings:
    return PrivacySettings(_env_file=None, **given)


def test_the_first_key_is_the_newest() -> None:
    keys = settings(privacy_wrapping_keys=f"b:{OTHER}, a:{ONE}").wrapping_keys
    assert list(keys.items()) == [("b", bytes([2]) * 32), ("a", bytes([1]) * 32)]


def test_without_keys_nothing_is_encrypted() -> None:
    assert settings().wrapping_keys == {}
    assert settings(privacy_wrapping_keys=f"a:{ONE}", privacy_encryption=False).wrapping_keys == {}


def test_production_needs_keys_or_somebody_who_says_otherwise() -> None:
    with pytest.raises(ValidationError, match="is not set: personal data"):
        settings(app_env="production")
    assert settings(app_env="production", privacy_encryption=False).wrapping_keys == {}
    assert settings(app_env="production", privacy_wrapping_keys=f"a:{ONE}").wrapping_keys


def test_production_refuses_the_key_that_everybody_can_read() -> None:
    with pytest.raises(ValidationError, match="out of an example"):
        settings(app_env="production", privacy_wrapping_keys=f"development-only:{ONE}")


@pytest.mark.parametrize(
    "given", [ONE, f"a{ONE}", f"a:{ONE[:-8]}", "a:not-base64!", f"a:{ONE},a:{OTHER}", f"a b:{ONE}", ","]
)
def test_what_is_no_key_is_refused_and_not_repeated(given: str) -> None:
    with pytest.raises(ValidationError) as refused:
        settings(privacy_wrapping_keys=given)
    assert not [line for line in explain(refused.value) if ONE[:20] in line]


def test_words_are_compared_in_lower_case() -> None:
    assert settings(privacy_metadata_keys="Email, IBAN").privacy_metadata_keys == {"email", "iban"}
