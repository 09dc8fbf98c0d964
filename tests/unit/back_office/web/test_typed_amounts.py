"""What somebody types as an amount, and what is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from back_office.web.money import format_money, format_number
from back_office.web.typed_amounts import TypedAmount, looks_like_amount, typed_amount
from domain.currencies import SUPPORTED

AMOUNTS = st.integers(min_value=0, max_value=999_999_999_999)
CURRENCIES = st.sampled_from(sorted(SUPPORTED))


@pytest.mark.parametrize(
    ("text", "number", "currency"),
    [
        ("12.34", "12.34", None),
        ("12.34 USD", "12.34", "USD"),
        ("usd12.34", "12.34", "USD"),
        ("EUR 1,234.50", "1234.50", "EUR"),
        ("1,234", "1234", None),
        ("500", "500", None),
        ("500jpy", "500", "JPY"),
        ("  1.230  KWD ", "1.230", "KWD"),
    ],
)
def test_an_amount_is_read_as_it_is_typed(text: str, number: str, currency: str | None) -> None:
    assert typed_amount(text) == TypedAmount(number=number, currency=currency)


@pytest.mark.parametrize(
    "text",
    [
        *("", "USD", "-1", "10,50", "1,23,456", "1234,567", ",123", "1.", ".5", "1.2345", "1e3", "٣", "1.2.3"),
        *("12.34 JPY", "1.234 USD", "10 XYZ", "EUR 5 EUR", "$5", "1" * 13, "order-77", "0x10", "5 US", "5 USDT"),
    ],
)
def test_what_is_no_amount_of_any_currency_is_none(text: str) -> None:
    assert typed_amount(text) is None


@given(amount=AMOUNTS, currency=CURRENCIES)
def test_an_amount_is_found_as_the_pages_write_it(amount: int, currency: str) -> None:
    number = format_number(amount, currency, grouped=False)
    if len(number.partition(".")[0]) > 12:
        return
    assert typed_amount(format_money(amount, currency)) == TypedAmount(number=number, currency=currency)


@given(st.text())
def test_any_text_is_an_amount_or_none(text: str) -> None:
    found = typed_amount(text)
    assert found is None or found.number.replace(".", "", 1).isdecimal()


@pytest.mark.parametrize(
    "text", ["$90", "90,00 EUR", "US$ 5", "5€", "10.5 JPY", "-5", "+3.1", "10.00 ZZZ", "1'000.00 CHF"]
)
def test_what_may_have_been_meant_as_an_amount_is_told_apart(text: str) -> None:
    assert looks_like_amount(text)


@pytest.mark.parametrize(
    "text", ["", "12.34", "500 JPY", "order-77", "A-77", "100%", "2026-05-01", "pi_3P", "$", "😀 5"]
)
def test_an_amount_or_an_id_is_not_taken_for_a_mistyped_amount(text: str) -> None:
    assert not looks_like_amount(text)
