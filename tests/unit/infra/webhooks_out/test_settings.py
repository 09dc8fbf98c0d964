"""The key of the secrets, and which addresses are allowed where."""

import base64
from typing import Any

import pytest
from pydantic import ValidationError

from infra.webhooks_out.settings import DEVELOPMENT_SECRETS_KEY, WebhookEndpointSettings

KEY = base64.b64encode(bytes(range(32))).decode()


def settings(**given: Any) -> WebhookEndpointSettings:
    return WebhookEndpointSettings(_env_file=None, **given)


@pytest.mark.parametrize("key", [None, DEVELOPMENT_SECRETS_KEY, f"{KEY},{DEVELOPMENT_SECRETS_KEY}"])
def test_production_wants_a_key_of_its_own(key: str | None) -> None:
    given = {} if key is None else {"webhook_secrets_key": key}
    with pytest.raises(ValidationError, match="is not set, or is the development key"):
        settings(app_env="production", **given)
    settings(app_env="development", **given)


@pytest.mark.parametrize("key", ["", "abc", "ÄÖÜ", base64.b64encode(bytes(16)).decode(), f"{KEY},", KEY[:-1]])
def test_a_key_has_32_bytes_in_base64(key: str) -> None:
    with pytest.raises(ValidationError, match="has a key that is not") as refused:
        settings(webhook_secrets_key=key)
    assert key == "" or key not in str(refused.value.errors(include_input=False))


def test_production_sends_to_public_addresses_alone_unless_told() -> None:
    policy = settings(app_env="production", webhook_secrets_key=KEY).webhook_addresses
    assert (policy.allow_private, policy.allow_http) == (False, False)
    allowing = settings(
        app_env="production", webhook_secrets_key=KEY, webhooks_out_allow_private=True
    ).webhook_addresses
    assert (allowing.allow_private, allowing.allow_http) == (True, False)


def test_development_sends_anywhere_unless_told() -> None:
    policy = settings().webhook_addresses
    assert (policy.allow_private, policy.allow_http) == (True, True)
    assert not settings(webhooks_out_allow_private=False).webhook_addresses.allow_private
