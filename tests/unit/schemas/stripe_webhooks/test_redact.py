from typing import Any

import orjson
import pytest

from schemas.stripe_webhooks.redact import REMOVED, TooDeep, redacted


def nested(depth: int) -> dict[str, Any]:
    document: dict[str, Any] = {}
    for _ in range(depth - 1):
        document = {"a": document}
    return document


@pytest.mark.parametrize(
    "document",
    [
        {"client_secret": "pi_1_secret_x"},
        {"data": {"object": {"client_secret": None, "id": "pi_1"}}},
        {"data": {"previous_attributes": {"client_secret": "pi_1_secret_x"}}},
        {"list": [[{"deep": [{"client_secret": "pi_1_secret_x"}]}]]},
        {"payment_intent_client_secret": "pi_1_secret_x", "clientSecret": "pi_1_secret_x"},
        {"url": "https://hooks.stripe.com/3ds?payment_intent_client_secret=pi_1_secret_x&b=1"},
        {"use_stripe_sdk": {"stripe_js": "https://hooks.stripe.com/redirect/src_1?client_secret=src_client_secret_x"}},
        {"description": "pi_1_secret_x"},
        {"pi_1_secret_x": 1},
    ],
)
def test_no_client_secret_is_left_wherever_it_stands(document: dict[str, Any]) -> None:
    written = orjson.dumps(redacted(document)).decode()
    assert "secret" not in written.lower()


def test_everything_else_stays_as_it_is_and_the_original_too() -> None:
    document = {
        "id": "evt_1",
        "n": [1, 0.5, None, True, {"a": "b"}],
        "top": "secret sauce",
        "x": {"client_secret": "s"},
    }
    assert redacted(document) == {**document, "x": {}}
    assert document["x"] == {"client_secret": "s"}


def test_an_address_with_a_secret_is_gone_as_a_whole() -> None:
    assert redacted({"url": "https://a/?client_secret=x"}) == {"url": REMOVED}


def test_nul_characters_which_postgresql_cannot_hold_are_replaced() -> None:
    assert redacted({"a\0": ["b\0c"]}) == {"a\ufffd": ["b\ufffdc"]}


def test_what_is_nested_too_deeply_is_refused() -> None:
    assert redacted(nested(100)) == nested(100)
    for document in (nested(101), {"a": [[[nested(98)]]]}):
        with pytest.raises(TooDeep):
            redacted(document)
