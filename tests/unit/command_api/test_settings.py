"""What the command API reads from its environment."""

import pytest

from command_api.settings import CommandApiSettings

NEEDED = {
    "database_url": "postgresql://app@localhost/none",
    "redis_url": "redis://localhost:6379/0",
    "stripe_secret_key": "sk_test_1",
    "stripe_webhook_secret": "whsec_1",
    "api_keys": (),
}


@pytest.mark.parametrize(
    ("value", "fields"),
    [
        ("", set()),
        ("user_id", {"user_id"}),
        (" user_id, metadata.order_id ,Idempotency-Key,", {"user_id", "metadata.order_id", "Idempotency-Key"}),
    ],
)
def test_fields_without_card_numbers_are_a_list_by_commas(value: str, fields: set[str]) -> None:
    settings = CommandApiSettings.model_validate(NEEDED | {"card_number_exempt_fields": value})
    assert settings.card_number_exempt_fields == fields


def test_without_the_setting_card_numbers_are_looked_for_everywhere() -> None:
    assert CommandApiSettings.model_validate(NEEDED).card_number_exempt_fields == frozenset()
