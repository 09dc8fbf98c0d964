"""How often the guard is wrong, either way, and that nothing makes it slow: see docs/card-numbers.md."""

import json
import random
import time

import pytest

from infra.card_numbers import holds_card_number, mask_card_numbers, text_holds_card_number
from infra.card_numbers.schemes import is_card
from tests.support.card_number_rates import DISGUISED, HARMLESS, SEED, a_card, rate, with_luhn
from tests.support.hypothesis_profiles import examples

COUNT = 2000
# What has no form of its own is refused as often as chance has it; all else, never (the first number: that of 20,000).
BOUNDS = {
    "a FedEx tracking number (15)": 0.005,
    "a Snowflake id of before 2022 (18)": 0.006,
    "any number of 13 digits": 0.015,
    "any number of 14 digits": 0.008,
    "any number of 16 digits": 0.04,
    "any number of 18 digits": 0.008,
}


@pytest.mark.parametrize("kind", HARMLESS)
def test_harmless_numbers_pass_but_for_a_known_share(kind: str) -> None:
    assert rate(HARMLESS[kind], refused=True, count=COUNT) <= BOUNDS.get(kind, 0.0)


@pytest.mark.parametrize("kind", DISGUISED)
def test_no_disguise_hides_a_card_number_from_guard_or_mask(kind: str) -> None:
    assert rate(DISGUISED[kind], refused=False, count=examples(COUNT, quick=200)) == 0
    chance = random.Random(SEED)
    for _ in range(examples(100)):
        masked = mask_card_numbers(f"paid by {DISGUISED[kind](chance)}, thanks")
        assert masked.startswith("paid by ")
        assert masked.endswith(", thanks")
        assert "***" in masked
        assert sum(character.isdigit() for character in masked) < 13
        assert not text_holds_card_number(masked)


@pytest.mark.parametrize(
    "text",
    [
        "4242\N{EM DASH}4242\N{FIGURE DASH}4242\N{HYPHEN}4242",
        "4\N{COMBINING ENCLOSING KEYCAP}242 4242 4242 4242",
        "4242\N{HANGUL FILLER}4242\N{WORD JOINER}4242\N{BRAILLE PATTERN BLANK}4242",
        "4242\r\n4242\r\n4242\r\n4242",
        "\N{FULLWIDTH DIGIT FOUR}242424242424242",
        "\N{CIRCLED DIGIT FOUR}242424242424242",
        "%34242424242424242",
        "%224242424242424242%22",
        "&#52;242424242424242",
        "{'number':'4242424242424242'}",
        "https://pay.example/?card=4242%204242%204242%204242&cvc=123",
        "6212345678900003",  # UnionPay, whose own check digit some cards lack
    ],
)
def test_other_ways_of_writing_a_card_number_are_found(text: str) -> None:
    if text.startswith("62"):
        assert not text_holds_card_number(text)
        text = " ".join(text[at : at + 4] for at in range(0, 16, 4))
    assert text_holds_card_number(text)
    assert holds_card_number(json.dumps([text]).encode(), [text])
    assert holds_card_number(json.dumps([text], ensure_ascii=False).encode(), [text])
    assert "***" in mask_card_numbers(text)


@pytest.mark.parametrize(
    "text",
    [
        "4242 4242 4242 4241",
        "4242-42424242-4242",  # no card is written so
        "42424242-42424242",
        "4242 4242 42 42 4242",
        "4242a4242a4242a4242",  # letters between the groups: no separators
        "4242.....4242.....4242.....4242",
        "1424242424242424242",
        "AT61 1904 3002 3457 3201",
        "DE89 3704 0044 0532 0130 00",
        "NO93 8601 1117 947",
        "+4915112345678",
        "4006381333931",  # EAN-13
        "978-3-16-148410-0",
        "in_4242424242424242AbCdEf12",
    ],
)
def test_what_is_written_otherwise_or_known_passes(text: str) -> None:
    assert not text_holds_card_number(text)
    assert mask_card_numbers(text) == text


@pytest.mark.parametrize("before", ["DE12 ", "AT12 ", "1Z", "9400 ", "evt ", "0."])
def test_what_only_begins_like_a_known_number_does_not_hide_a_card(before: str) -> None:
    if before == "0.":  # a fraction has no spaces
        assert text_holds_card_number("0.4242 4242 4242 4242")
    else:
        assert text_holds_card_number(f"{before}4242 4242 4242 4242")


@pytest.mark.parametrize(
    "number",
    [
        "4111111111111111", "4000000000000000006", "5105105105105100", "2221000000000009",
        "2720992593319364", "371449635398431", "30569309025904", "38520000023237",
        "3569990010082211", "6011000990139424", "6445644564456445", "6212345678901232",
        "8171999900000000021", "2200000000000004", "6763946698861116", "6703444444444449",
        "6521111111111117", "5081267890123452", "9792030394440796", "5060990580000217499",
        "8600123456789019", "9860123456789018", "9704000000000018",
    ],
)  # fmt: skip
def test_numbers_of_every_scheme_are_known(number: str) -> None:
    number = number if is_card(number) else with_luhn(number[:-1])
    assert is_card(number)
    assert text_holds_card_number(number)


@pytest.mark.parametrize(
    "number", ["1763840000001", "180000000000002", "213100000000001", "7000000000000005", "4" * 15]
)
def test_what_no_scheme_issues_is_no_card(number: str) -> None:
    assert not is_card(with_luhn(number[:-1]))


_N = 64_000
HOSTILE = {
    "digits": "1" * _N,
    "single digits": "1 " * (_N // 2),
    "groups of four": "1234 " * (_N // 5),
    "groups that make cards but for the check digit": "4242 4242 4242 4241 " * (_N // 20),
    "cards": "4242 4242 4242 4242 " * (_N // 20),
    "hashes with cards in them": f"4242424242424242{'a' * 16} " * (_N // 33),
    "near cards": "4242424242424241 " * (_N // 17),
    "full-width digits": "\N{FULLWIDTH DIGIT FOUR}" * (_N // 3),
    "zero-width joiners": "4\N{ZERO WIDTH JOINER}" * (_N // 4),
    "percent escapes": "%20" * (_N // 3),
    "ampersands": "&" * _N,
    "entities": "&aa;" * (_N // 4),
    "beginnings of IBANs": "DE89 " * (_N // 5),
    "hexadecimal digits": "a1" * (_N // 2) + "g",
    "beginnings of Stripe ids": "pi_" * (_N // 3),
    "EANs": "4006381333931 " * (_N // 14),
    "parcels": "9400 1000 0000 0000 0000 0 " * (_N // 27),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_the_largest_body_is_looked_through_in_linear_time(kind: str) -> None:
    """Measured: at most 45 ms of 64 KiB on a shared core, 110 ms to mask; what is quadratic takes seconds."""
    text = HOSTILE[kind]
    raw = json.dumps([text], ensure_ascii=False).encode()
    started = time.process_time()
    holds_card_number(raw, [text])
    mask_card_numbers(text)
    assert time.process_time() - started < 1.0


def test_named_members_are_not_looked_at_and_all_others_are() -> None:
    card = a_card(random.Random(SEED))
    document = {"user_id": card, "metadata": {"order_id": card, "deep": [{"er": card}]}}
    raw = json.dumps(document).encode()
    assert holds_card_number(raw, document)
    assert holds_card_number(raw, document, but={"user_id"})
    assert holds_card_number(raw, document, but={"user_id", "metadata.order_id"})
    assert holds_card_number(raw, document, but={"user_id", "order_id", "deep"})
    assert not holds_card_number(raw, document, but={"user_id", "metadata.order_id", "metadata.deep"})
    assert not holds_card_number(raw, document, but={"user_id", "metadata"})
    named = {card: "x"}
    assert holds_card_number(json.dumps(named).encode(), named, but={card}), "a name is always looked at"
