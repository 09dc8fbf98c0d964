"""What a written number is in each currency: its decimals are Stripe's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.currencies import SUPPORTED, decimals
from domain.money import Money
from schemas.http.written_amounts import by_currency, in_smallest_unit

AMOUNTS = st.integers(min_value=0, max_value=999_999_999)


@pytest.mark.parametrize(
    ("number", "usd", "jpy", "kwd"),
    [("500", 50000, 500, 500000), ("12.34", 1234, None, 12340), ("1.230", None, None, 1230), ("0.5", 50, None, 500)],
)
def test_a_number_is_a_different_amount_in_each_currency(
    number: str, usd: int | None, jpy: int | None, kwd: int | None
) -> None:
    found = by_currency(number)
    assert (found.get("USD"), found.get("JPY"), found.get("KWD")) == (usd, jpy, kwd)


@given(amount=AMOUNTS, currency=st.sampled_from(sorted(SUPPORTED)))
def test_what_money_writes_is_read_as_the_same_amount(amount: int, currency: str) -> None:
    number, _, _ = str(Money(amount_cents=amount, currency=currency)).partition(" ")
    assert in_smallest_unit(number, currency) == amount
    assert by_currency(number)[currency] == amount


@given(amount=AMOUNTS, currency=st.sampled_from(sorted(SUPPORTED)))
def test_only_currencies_with_so_many_decimals_have_it(amount: int, currency: str) -> None:
    number, _, _ = str(Money(amount_cents=amount, currency=currency)).partition(" ")
    assert set(by_currency(number)) == {each for each in SUPPORTED if decimals(each) >= decimals(currency)}


@pytest.mark.parametrize("text", ["", "-1", "1,5", "1.", ".5", "1.2345", "1e3", "٣", "1" * 13, "10 USD", "1\n"])
def test_what_is_no_number_is_no_amount(text: str) -> None:
    assert by_currency(text) == {}
    assert in_smallest_unit(text, "KWD") is None
