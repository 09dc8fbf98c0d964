"""The keys that wrap the keys of personal data, and how they are used."""

import re
from typing import Annotated

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import NoDecode

from infra.settings.base64_keys import read_key
from infra.settings.postgres import DatabaseSettings
from infra.settings.process import ProcessSettings

_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_METADATA_KEYS = frozenset({"email", "name", "phone", "address"})


class PrivacySettings(ProcessSettings):
    """What a process needs that writes personal data into the log, or reads it in clear."""

    privacy_encryption: bool = True
    """False: personal data goes into the log in clear, also in production, and can never be erased."""
    privacy_wrapping_keys: Annotated[SecretStr | None, Field(validate_default=True)] = None
    """`id:key` pairs with commas between; a key is 32 random bytes in base64. The first one wraps what is new, the
    others are for what was wrapped before a rotation. Without any, nothing is encrypted."""
    privacy_metadata_keys: Annotated[frozenset[str], NoDecode] = _METADATA_KEYS
    """Words in the names of `metadata` whose values are personal: `email` is in `billing_email` and `customerEmail`."""
    privacy_key_cache_s: Annotated[float, Field(ge=0, le=60)] = 5.0
    """How long a key is used without looking whether it was destroyed."""

    @field_validator("privacy_metadata_keys", mode="before")
    @classmethod
    def _parse_words(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return frozenset(part.strip().lower() for part in value.split(",") if part.strip())

    @field_validator("privacy_wrapping_keys")
    @classmethod
    def _check_keys(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if value is not None:
            parse_keys(value.get_secret_value())
        elif info.data.get("app_env") == "production" and info.data.get("privacy_encryption", True):
            raise ValueError(
                "is not set: personal data would go into the log in clear, for ever (docs/privacy.md; "
                "PRIVACY_ENCRYPTION=false is for those who want that)"
            )
        return value

    @property
    def wrapping_keys(self) -> dict[str, bytes]:
        """The keys by id, the one for what is new first; none when nothing is to be encrypted."""
        if self.privacy_wrapping_keys is None or not self.privacy_encryption:
            return {}
        return parse_keys(self.privacy_wrapping_keys.get_secret_value())


class VaultSettings(PrivacySettings, DatabaseSettings):
    """What a process needs that has the keys of personal data: they are in the event store's database."""


def parse_keys(text: str) -> dict[str, bytes]:
    """Return keys by id. Raises ValueError, which repeats nothing of the text."""
    keys: dict[str, bytes] = {}
    for pair in (each.strip() for each in text.split(",") if each.strip()):
        name, _, encoded = pair.partition(":")
        if not _ID.fullmatch(name) or name in keys:
            raise ValueError("must be id:key, with commas between, and no id twice")
        keys[name] = read_key(encoded)
    if not keys:
        raise ValueError("has no key")
    return keys
