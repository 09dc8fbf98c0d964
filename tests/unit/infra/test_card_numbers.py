"""Card numbers are found however they are written; long ids are not taken for them."""

import json
import random
import uuid
from typing import Any

import pytest

from infra.card_numbers import holds_card_number, text_holds_card_number


def holds(document: Any) -> bool:
    return holds_card_number(json.dumps(document).encode(), document)


@pytest.mark.parametrize(
    "text",
    [
        "4242424242424242",  # Visa
        "4222222222222",  # Visa, 13 digits
        "5555555555554444",  # Mastercard
        "2223003122003222",  # Mastercard, 2 series
        "378282246310005",  # American Express
        "36227206271667",  # Diners Club, 14 digits
        "3566002020360505",  # JCB
        "6011111111111117",  # Discover
        "6205500000000000004",  # UnionPay, 19 digits
        "6759649826438453",  # Maestro
        "4242 4242 4242 4242",
        "4242-4242-4242-4242",
        "3782 822463 10005",
        "pay with 4242424242424242, please",
        "card:4242424242424242",
        "4242424242424242 4000000000000002",
    ],
)
def test_card_numbers_are_found_in_any_string_of_the_document(text: str) -> None:
    assert holds({"user_id": text})
    assert holds({"metadata": {"note": text}})
    assert holds({"metadata": {text: "x"}})
    assert holds({"unknown": [[{"deep": text}]]})
    assert holds([text])


def test_digits_spelled_as_escapes_are_found() -> None:
    raw = b'{"user_id": "\\u0034242424242424242"}'
    assert holds_card_number(raw, json.loads(raw))


@pytest.mark.parametrize(
    "document",
    [
        {"user_id": "4242424242424241"},  # wrong check digit
        {"user_id": "1763840000001"},  # a time in milliseconds with a right check digit
        {"user_id": "0000000000000000"},
        {"user_id": "pm_4242424242424242a"},  # an id that has digits within
        {"user_id": "42424242424242424242"},  # 20 digits
        {"amount_cents": 4242424242424242},  # a number is no string: other rules refuse it
        {"description": "order 4242 of 2026-11-22, 10.00 USD"},
        {"metadata": {"trace": "4bf92f3577b34da6a3ce929d0e0e4736"}},
    ],
)
def test_what_is_no_card_number_passes(document: dict[str, Any]) -> None:
    assert not holds(document)


def test_uuids_and_hashes_never_look_like_card_numbers() -> None:
    rng = random.Random(7)
    for _ in range(20_000):
        number = rng.getrandbits(128)
        assert not holds([str(uuid.UUID(int=number)), f"{rng.getrandbits(256):064x}"])


def test_a_uuid_of_digits_alone_is_passed_over_also_as_a_part_of_an_id() -> None:
    digits = "42424242-4242-4242-8242-424242424242"
    for text in (digits, f"order_{digits}", f"{digits}:1", f"refund-{digits}-2"):
        assert not text_holds_card_number(text)
