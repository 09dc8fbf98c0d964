"""Money in the unit that Stripe counts in, and the check of what can be charged.

See currencies for the rules.
"""

from dataclasses import dataclass
from functools import total_ordering
from typing import ClassVar, Self

from domain import currencies
from domain.errors import DomainError

_CODE_LENGTH = 3


@total_ordering
@dataclass(frozen=True, kw_only=True, slots=True)
class Money:
    """An amount, never negative; anything else raises InvalidMoney.

    ``amount_cents`` counts the smallest unit as Stripe does: cents of USD, yen of JPY, hundredths of ISK
    (sic), thousandths of KWD. ``currency`` is an upper-case ISO 4217 code. Arithmetic and ordering across
    currencies raise CurrencyMismatch.
    """

    amount_cents: int
    currency: str

    def __post_init__(self) -> None:
        if type(self.amount_cents) is not int or self.amount_cents < 0:
            raise InvalidMoney(f"An amount is a whole number and not negative; got {self.amount_cents!r}.")
        code = self.currency
        if not (len(code) == _CODE_LENGTH and code.isascii() and code.isalpha() and code.isupper()):
            raise InvalidMoney(f"A currency is three upper-case letters; got {code!r}.")

    @classmethod
    def zero(cls, currency: str) -> Self:
        """Nothing, in that currency."""
        return cls(amount_cents=0, currency=currency)

    def __add__(self, other: "Money") -> "Money":
        self._expect_currency_of(other)
        return Money(amount_cents=self.amount_cents + other.amount_cents, currency=self.currency)

    def __sub__(self, other: "Money") -> "Money":
        """Raise InvalidMoney below zero."""
        self._expect_currency_of(other)
        return Money(amount_cents=self.amount_cents - other.amount_cents, currency=self.currency)

    def __lt__(self, other: "Money") -> bool:
        self._expect_currency_of(other)
        return self.amount_cents < other.amount_cents

    def __str__(self) -> str:
        """As a person writes it: ``12.34 USD``, ``1234 JPY``, ``1.230 KWD``."""
        places = currencies.decimals(self.currency)
        digits = str(self.amount_cents).zfill(places + 1)
        number = f"{digits[:-places]}.{digits[-places:]}" if places else digits
        return f"{number} {self.currency}"

    def _expect_currency_of(self, other: "Money") -> None:
        if other.currency != self.currency:
            raise CurrencyMismatch(expected=self.currency, actual=other.currency)


@dataclass(frozen=True, kw_only=True, slots=True)
class SignedMoney:
    """An amount that may be below zero, as in ledgers and on balances; ``amount_cents`` is as in Money.

    Arithmetic across currencies raises CurrencyMismatch.
    """

    amount_cents: int
    currency: str

    def __add__(self, other: "SignedMoney") -> "SignedMoney":
        if other.currency != self.currency:
            raise CurrencyMismatch(expected=self.currency, actual=other.currency)
        return SignedMoney(amount_cents=self.amount_cents + other.amount_cents, currency=self.currency)

    def __sub__(self, other: "SignedMoney") -> "SignedMoney":
        return self + -other

    def __neg__(self) -> "SignedMoney":
        return SignedMoney(amount_cents=-self.amount_cents, currency=self.currency)

    @property
    def is_zero(self) -> bool:
        """Whether it is nothing."""
        return not self.amount_cents

    @property
    def magnitude(self) -> Money:
        """The amount without its sign."""
        return Money(amount_cents=abs(self.amount_cents), currency=self.currency)


def check_chargeable(money: Money) -> None:
    """Raise unless Stripe can charge this.

    CurrencyUnsupported, AmountNotRepresentable, AmountTooSmall or AmountTooLarge. A charge that is converted
    into another settlement currency has to meet that one's minimum too, which only Stripe knows.
    """
    check_representable(money)
    minimum = currencies.minimum_charge(money.currency)
    if money.amount_cents < minimum:
        raise AmountTooSmall(amount=money, minimum=Money(amount_cents=minimum, currency=money.currency))
    maximum = currencies.maximum_charge(money.currency)
    if money.amount_cents > maximum:
        raise AmountTooLarge(amount=money, maximum=Money(amount_cents=maximum, currency=money.currency))


def check_representable(money: Money) -> None:
    """Raise unless a part of a charge, captured or refunded, can be this much: one unit is enough."""
    if money.currency not in currencies.SUPPORTED:
        raise CurrencyUnsupported(currency=money.currency)
    step = currencies.granularity(money.currency)
    if money.amount_cents % step:
        raise AmountNotRepresentable(amount=money, multiple_of=step)
    if money.amount_cents == 0:
        raise AmountTooSmall(amount=money, minimum=Money(amount_cents=step, currency=money.currency))


class InvalidMoney(DomainError, ValueError):
    """Not an amount of money. A ValueError too, so that parsers report it as bad input."""

    code: ClassVar[str] = "invalid_money"


class CurrencyMismatch(DomainError):
    """Amounts of different currencies were mixed."""

    code: ClassVar[str] = "currency_mismatch"

    def __init__(self, *, expected: str, actual: str) -> None:
        self.expected = expected
        self.actual = actual
        super().__init__(f"The amount must be in {expected}, not in {actual}.")


class CurrencyUnsupported(DomainError):
    """Stripe charges no such currency."""

    code: ClassVar[str] = "currency_unsupported"
    field: str = "currency"

    def __init__(self, *, currency: str) -> None:
        self.currency = currency
        super().__init__(f"The currency {currency} is not supported.")


class AmountTooSmall(DomainError):
    """Below what Stripe charges in that currency, or nothing at all."""

    code: ClassVar[str] = "amount_too_small"
    field: str = "amount_cents"

    def __init__(self, *, amount: Money, minimum: Money) -> None:
        self.amount = amount
        self.minimum = minimum
        super().__init__(f"The amount must be at least {minimum}, not {amount}.")


class AmountTooLarge(DomainError):
    """Above what Stripe charges in that currency."""

    code: ClassVar[str] = "amount_too_large"
    field: str = "amount_cents"

    def __init__(self, *, amount: Money, maximum: Money) -> None:
        self.amount = amount
        self.maximum = maximum
        super().__init__(f"The amount must be at most {maximum}, not {amount}.")


class AmountNotRepresentable(DomainError):
    """A fraction that the currency does not have. ``multiple_of`` is in Stripe's unit."""

    code: ClassVar[str] = "amount_not_representable"
    field: str = "amount_cents"

    def __init__(self, *, amount: Money, multiple_of: int) -> None:
        self.amount = amount
        self.multiple_of = multiple_of
        super().__init__(
            f"An amount in {amount.currency} must be a multiple of {multiple_of}, not {amount.amount_cents}."
        )
