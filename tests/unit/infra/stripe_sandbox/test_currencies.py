import pytest

from domain import currencies
from domain.errors import DomainError
from domain.money import Money, check_chargeable
from infra.stripe_sandbox.currencies import SUPPORTED, check_amount, check_currency, formatted
from infra.stripe_sandbox.errors import StripeError


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (1250, "usd", "$12.50"),
        (1000, "eur", "€10.00"),
        (99_999_999, "usd", "$999,999.99"),
        (500, "jpy", "¥500"),
        (1250, "sek", "12.50 SEK"),
        (1250, "kwd", "1.250 KWD"),
        (1200, "isk", "12.00 ISK"),
    ],
)
def test_amounts_are_written_as_stripe_writes_them(amount: int, currency: str, text: str) -> None:
    assert formatted(amount, currency) == text


@pytest.mark.parametrize(
    ("amount", "currency", "code", "message"),
    [
        (49, "usd", "amount_too_small", "Amount must be at least $0.50 usd"),
        (29, "gbp", "amount_too_small", "Amount must be at least £0.30 gbp"),
        (49, "jpy", "amount_too_small", "Amount must be at least ¥50 jpy"),
        (100_000_000, "usd", "amount_too_large", "Amount must be no more than $999,999.99"),
        (-1, "usd", "parameter_invalid_integer", "Invalid positive integer"),
        (150, "isk", "parameter_invalid_integer", "evenly divisible by 100"),
        (150, "ugx", "parameter_invalid_integer", "evenly divisible by 100"),
        (1001, "kwd", "parameter_invalid_integer", "evenly divisible by 10"),
    ],
)
def test_amounts_outside_of_the_rules_are_refused(amount: int, currency: str, code: str, message: str) -> None:
    with pytest.raises(StripeError) as refused:
        check_amount(amount, currency)
    error = refused.value.body(None)["error"]
    assert isinstance(error, dict)
    assert error["code"] == code
    assert error["param"] == "amount"
    assert message in str(error["message"])


@pytest.mark.parametrize(
    ("amount", "currency"), [(50, "usd"), (50, "jpy"), (100, "isk"), (1010, "kwd"), (99_999_999, "usd")]
)
def test_amounts_at_the_limits_are_taken(amount: int, currency: str) -> None:
    check_amount(amount, currency)


def test_currencies_are_taken_in_any_case() -> None:
    assert check_currency("USD") == "usd"


def test_an_unknown_currency_is_refused_with_the_list() -> None:
    with pytest.raises(
        StripeError, match=r"Invalid currency: xyz\. Stripe currently supports these currencies: usd, aed"
    ):
        check_currency("xyz")


def test_its_currencies_are_those_that_payments_may_have() -> None:
    assert {currency.upper() for currency in SUPPORTED} == currencies.SUPPORTED


@pytest.mark.parametrize("currency", sorted(currencies.SUPPORTED))
def test_it_charges_each_amount_that_a_payment_may_have_and_no_other(currency: str) -> None:
    step = currencies.granularity(currency)
    least, most = currencies.minimum_charge(currency), currencies.maximum_charge(currency) // step * step
    for amount in {least - step, least, least + 1, 150_000_000, most - 1, most, most + step} - {0}:
        assert _charges(amount, currency) is _may_be(amount, currency), amount


def _charges(amount: int, currency: str) -> bool:
    try:
        check_amount(amount, currency.lower())
    except StripeError:
        return False
    return True


def _may_be(amount: int, currency: str) -> bool:
    try:
        check_chargeable(Money(amount_cents=amount, currency=currency))
    except DomainError:
        return False
    return True
