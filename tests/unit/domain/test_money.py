"""Money: arithmetic in one currency, and what Stripe can charge."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import currencies
from domain.errors import DomainError
from domain.money import (
    AmountNotRepresentable,
    AmountTooLarge,
    AmountTooSmall,
    CurrencyMismatch,
    CurrencyUnsupported,
    InvalidMoney,
    Money,
    SignedMoney,
    check_chargeable,
    check_representable,
)
from tests.unit.domain.payment_builders import usd

amounts = st.integers(min_value=0, max_value=10**13)
moneys = st.builds(usd, amounts)
supported = st.sampled_from(sorted(currencies.SUPPORTED))


def money(amount_cents: int, currency: str) -> Money:
    return Money(amount_cents=amount_cents, currency=currency)


class TestMoney:
    @pytest.mark.parametrize("amount", [-1, 1.0, "1", True, None])
    def test_is_a_whole_number_that_is_not_negative(self, amount: object) -> None:
        with pytest.raises(InvalidMoney):
            Money(amount_cents=amount, currency="USD")  # type: ignore[arg-type]

    @pytest.mark.parametrize("currency", ["usd", "US", "USDT", "", "ÜSD", "U1D", "US "])
    def test_has_an_upper_case_currency_code(self, currency: str) -> None:
        with pytest.raises(InvalidMoney):
            money(1, currency)

    def test_a_wrong_amount_is_bad_input_to_a_parser(self) -> None:
        assert issubclass(InvalidMoney, ValueError)

    def test_never_mixes_currencies(self) -> None:
        dollars, euros = money(1, "USD"), money(1, "EUR")
        mixtures: list[Callable[[], object]] = [
            lambda: dollars + euros,
            lambda: dollars - euros,
            lambda: dollars < euros,
            lambda: dollars >= euros,
        ]
        for mix in mixtures:
            with pytest.raises(CurrencyMismatch) as refused:
                mix()
            assert {refused.value.expected, refused.value.actual} == {"USD", "EUR"}

    def test_never_goes_below_zero(self) -> None:
        with pytest.raises(InvalidMoney):
            usd(1) - usd(2)

    def test_equal_amounts_of_other_currencies_are_not_equal(self) -> None:
        assert money(1, "USD") != money(1, "EUR")

    @pytest.mark.parametrize(
        ("amount", "text"),
        [
            (money(1234, "USD"), "12.34 USD"),
            (money(5, "USD"), "0.05 USD"),
            (money(1234, "JPY"), "1234 JPY"),
            (money(0, "JPY"), "0 JPY"),
            (money(500, "ISK"), "5.00 ISK"),
            (money(1230, "KWD"), "1.230 KWD"),
        ],
    )
    def test_reads_as_a_person_writes_it(self, amount: Money, text: str) -> None:
        assert str(amount) == text

    @given(moneys, moneys, moneys)
    def test_addition_is_associative_commutative_and_has_a_zero(self, a: Money, b: Money, c: Money) -> None:
        assert (a + b) + c == a + (b + c)
        assert a + b == b + a
        assert a + Money.zero("USD") == a

    @given(moneys, moneys)
    def test_subtraction_undoes_addition(self, a: Money, b: Money) -> None:
        assert (a + b) - b == a

    @given(amounts, amounts)
    def test_orders_as_its_amounts_do(self, a: int, b: int) -> None:
        assert (usd(a) < usd(b)) == (a < b)
        assert (usd(a) <= usd(b)) == (a <= b)
        assert max(usd(a), usd(b)) == usd(max(a, b))


class TestChargeable:
    @pytest.mark.parametrize(
        ("currency", "least"),
        [
            ("USD", 50),
            ("EUR", 50),
            ("GBP", 30),
            ("JPY", 50),
            ("KRW", 50),
            ("HUF", 17500),
            ("MXN", 1000),
            ("CZK", 1500),
            ("VND", 1),
            ("ISK", 100),
            ("UGX", 100),
            ("KWD", 10),
            ("AFN", 1),
        ],
    )
    def test_needs_the_minimum_of_its_currency(self, currency: str, least: int) -> None:
        check_chargeable(money(least, currency))
        step = currencies.granularity(currency)
        with pytest.raises(AmountTooSmall) as refused:
            check_chargeable(money(least - step, currency))
        assert refused.value.minimum.amount_cents in {least, step}

    @pytest.mark.parametrize(
        ("currency", "most"),
        [
            ("USD", 99_999_999),
            ("JPY", 99_999_999),
            ("ISK", 99_999_900),
            ("KWD", 99_999_990),
            ("INR", 999_999_999),
            ("COP", 9_999_999_999),
            ("IDR", 999_999_999_999),
        ],
    )
    def test_has_at_most_the_digits_that_stripe_takes(self, currency: str, most: int) -> None:
        check_chargeable(money(most, currency))
        with pytest.raises(AmountTooLarge, match=r"must be at most .* not ") as refused:
            check_chargeable(money(most + currencies.granularity(currency), currency))
        assert refused.value.amount.amount_cents > most

    @pytest.mark.parametrize("currency", ["ISK", "UGX"])
    def test_has_no_fractions_of_a_currency_that_only_pretends_to_have_them(self, currency: str) -> None:
        check_chargeable(money(500, currency))
        for amount in (501, 550, 599):
            with pytest.raises(AmountNotRepresentable) as refused:
                check_chargeable(money(amount, currency))
            assert refused.value.multiple_of == 100

    @pytest.mark.parametrize("currency", ["BHD", "JOD", "KWD", "OMR", "TND"])
    def test_has_a_zero_as_third_decimal(self, currency: str) -> None:
        check_chargeable(money(5120, currency))
        with pytest.raises(AmountNotRepresentable):
            check_chargeable(money(5124, currency))

    @pytest.mark.parametrize("currency", ["XXX", "HRK", "BTC"])
    def test_needs_a_currency_that_stripe_takes(self, currency: str) -> None:
        with pytest.raises(CurrencyUnsupported, match=f"The currency {currency} is not supported") as refused:
            check_chargeable(money(1000, currency))
        assert refused.value.currency == currency

    @given(supported, amounts)
    def test_what_can_be_charged_is_a_written_amount_within_the_limits(self, currency: str, amount: int) -> None:
        fits = amount % currencies.granularity(currency) == 0 and currencies.minimum_charge(
            currency
        ) <= amount <= currencies.maximum_charge(currency)
        try:
            check_chargeable(money(amount, currency))
        except DomainError:
            assert not fits
        else:
            assert fits

    @given(supported)
    def test_the_minimum_itself_can_be_charged(self, currency: str) -> None:
        check_chargeable(money(currencies.minimum_charge(currency), currency))


class TestParts:
    def test_a_part_of_a_charge_may_be_below_the_minimum_charge(self) -> None:
        check_representable(usd(1))

    def test_a_part_is_something(self) -> None:
        with pytest.raises(AmountTooSmall, match=r"must be at least 0\.01 USD, not 0\.00 USD"):
            check_representable(usd(0))

    def test_a_part_has_no_fractions_either(self) -> None:
        with pytest.raises(AmountNotRepresentable, match="in ISK must be a multiple of 100, not 150"):
            check_representable(money(150, "ISK"))


class TestCurrencies:
    def test_each_currency_has_one_way_of_being_counted(self) -> None:
        classes = [currencies.ZERO_DECIMAL, currencies.THREE_DECIMAL, currencies.WHOLE_UNITS_AS_HUNDREDTHS]
        assert sum(len(each) for each in classes) == len(frozenset().union(*classes))
        assert all(each <= currencies.SUPPORTED for each in classes)

    def test_isk_and_ugx_are_not_counted_as_iso_4217_says(self) -> None:
        assert not currencies.WHOLE_UNITS_AS_HUNDREDTHS & currencies.ZERO_DECIMAL
        assert currencies.decimals("ISK") == currencies.decimals("UGX") == 2

    def test_more_than_135_currencies_are_supported(self) -> None:
        assert len(currencies.SUPPORTED) >= 135
        assert all(len(code) == 3 and code.isupper() for code in currencies.SUPPORTED)


class TestSignedMoney:
    def test_goes_below_zero_and_back(self) -> None:
        out, back = SignedMoney(amount_cents=-500, currency="USD"), SignedMoney(amount_cents=500, currency="USD")
        assert -out == back
        assert (out + back).is_zero
        assert (out - back).magnitude == money(1000, "USD")

    def test_currencies_do_not_mix(self) -> None:
        with pytest.raises(CurrencyMismatch):
            SignedMoney(amount_cents=1, currency="USD") + SignedMoney(amount_cents=1, currency="EUR")
