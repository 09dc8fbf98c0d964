"""Amounts are read and written exactly, with the decimals that Stripe's unit has."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from back_office.web.money import NoAmount, format_money, format_number, parse_money
from domain.currencies import SUPPORTED

AMOUNTS = st.integers(min_value=0, max_value=999_999_999_999)
CURRENCIES = st.sampled_from(sorted(SUPPORTED))


@pytest.mark.parametrize(
    ("amount", "currency", "written"),
    [
        (123450, "USD", "1,234.50 USD"),
        (5, "EUR", "0.05 EUR"),
        (500000, "JPY", "500,000 JPY"),
        (1230, "KWD", "1.230 KWD"),
        (500, "ISK", "5.00 ISK"),
        (-1000, "USD", "-10.00 USD"),
        (-5, "USD", "-0.05 USD"),
        (0, "JPY", "0 JPY"),
    ],
)
def test_an_amount_is_written_as_people_write_it(amount: int, currency: str, written: str) -> None:
    assert format_money(amount, currency) == written


@pytest.mark.parametrize(
    ("text", "currency", "amount"),
    [("10", "USD", 1000), ("10.5", "USD", 1050), ("1234.50", "USD", 123450), (" 7 ", "JPY", 7), ("1.23", "KWD", 1230)],
)
def test_an_amount_is_read_as_people_write_it(text: str, currency: str, amount: int) -> None:
    assert parse_money(text, currency) == amount


@given(amount=AMOUNTS, currency=CURRENCIES)
def test_what_is_written_is_read_as_the_same(amount: int, currency: str) -> None:
    assert parse_money(format_number(amount, currency, grouped=False), currency) == amount


@pytest.mark.parametrize(
    ("text", "currency"),
    [
        *(
            (text, "USD")
            for text in (
                "",
                "-1",
                "1.234",
                "1e3",
                "NaN",
                "0x10",
                "1.",
                ".5",
                "10 USD",
                "٣",
                "10,50",
                "1,234.50",
                "1" * 13,
            )
        ),
        ("10.5", "JPY"),
        ("1.2345", "KWD"),
    ],
)
def test_what_is_no_amount_of_the_currency_is_refused(text: str, currency: str) -> None:
    with pytest.raises(NoAmount, match=f"an amount in {currency}"):
        parse_money(text, currency)
