"""How many harmless numbers of each kind the guard refuses, and how many disguised cards of each kind it misses.

`python -m tests.support.card_number_rates` prints the tables of docs/card-numbers.md, always the same: it is seeded.
"""

import random
import string
import sys
import uuid
from collections.abc import Callable, Mapping

from infra.card_numbers import text_holds_card_number

SEED = 20261128
COUNT = 20_000

Make = Callable[[random.Random], str]


def _digits(chance: random.Random, count: int) -> str:
    return "".join(chance.choices(string.digits, k=count))


def with_luhn(body: str) -> str:
    total = sum(sum(divmod(int(each) * 2, 10)) for each in body[-1::-2]) + sum(map(int, body[-2::-2]))
    return body + str(-total % 10)


def _with_ean(body: str) -> str:
    return body + str(-(3 * sum(map(int, body[-1::-2])) + sum(map(int, body[-2::-2]))) % 10)


def _telephones(chance: random.Random) -> str:
    def area() -> str:
        return f"{chance.randint(2, 9)}{_digits(chance, 2)}"

    return " ".join(f"{area()}-{area()}-{_digits(chance, 4)}" for _ in range(2))


def _iban(country: str, digits: int) -> Make:
    def make(chance: random.Random) -> str:
        bban = _digits(chance, digits)
        number = "".join(str(int(each, 36)) for each in f"{bban}{country}00")
        iban = f"{country}{98 - int(number) % 97:02}{bban}"
        return " ".join(iban[at : at + 4] for at in range(0, len(iban), 4)) if chance.random() < 0.5 else iban

    return make


def _ups(chance: random.Random) -> str:
    body = "".join(chance.choices(string.digits + string.ascii_uppercase, k=6)) + _digits(chance, 9)
    values = [int(each) if each.isdigit() else (ord(each) - 63) % 10 for each in body]
    return f"1Z{body}{-(sum(values[0::2]) + 2 * sum(values[1::2])) % 10}"


def _usps(chance: random.Random) -> str:
    number = _with_ean(f"9{chance.choice('2345')}{_digits(chance, 19)}")
    return " ".join(number[at : at + 4] for at in range(0, 22, 4)) if chance.random() < 0.5 else number


def _hexadecimal(length: int) -> Make:
    return lambda chance: f"{chance.getrandbits(4 * length):0{length}x}"


def _stripe_id(chance: random.Random) -> str:
    letters = string.ascii_letters + string.digits
    return f"{chance.choice(('pi', 'ch', 're', 'pm', 'cus', 'evt', 'txn'))}_{''.join(chance.choices(letters, k=24))}"


def _now(unit: int) -> Make:
    """A time of 2010 to 2033, in so many units a second."""
    return lambda chance: str(chance.randint(1_262_304_000 * unit, 2_000_000_000 * unit - 1))


HARMLESS: Mapping[str, Make] = {
    "two US telephone numbers": _telephones,
    "a German mobile number, `49...` or `+49...`": lambda c: (
        f"{c.choice(('', '+'))}491{c.choice('567')}{_digits(c, 9)}"
    ),
    "two numbers of 7 and 9 digits": lambda c: f"{_digits(c, 7)}-{_digits(c, 9)}",
    "two numbers of 8 digits": lambda c: f"{_digits(c, 8)}-{_digits(c, 8)}",
    "an Amazon order id (3-7-7)": lambda c: (
        f"{c.choice(('111', '112', '113', '114', '302', '404'))}-{_digits(c, 7)}-{_digits(c, 7)}"
    ),
    "an eBay order id (2-5-5)": lambda c: f"{_digits(c, 2)}-{_digits(c, 5)}-{_digits(c, 5)}",
    "an order id with its date (8-6)": lambda c: f"2026{c.randint(1, 12):02}{c.randint(1, 28):02}-{_digits(c, 6)}",
    "an IBAN of DE (22)": _iban("DE", 18),
    "an IBAN of AT (20)": _iban("AT", 16),
    "an IBAN of ES (24)": _iban("ES", 20),
    "an IBAN of AE (23)": _iban("AE", 19),
    "a UUID": lambda c: str(uuid.UUID(int=c.getrandbits(128), version=4)),
    "a UUID without hyphens": lambda c: uuid.UUID(int=c.getrandbits(128), version=4).hex,
    "a hash of 32 hexadecimal digits": _hexadecimal(32),
    "a hash of 40 (SHA-1, git)": _hexadecimal(40),
    "a hash of 64 (SHA-256)": _hexadecimal(64),
    "an id of 16 hexadecimal digits": _hexadecimal(16),
    "an id of 24 (ObjectId)": _hexadecimal(24),
    "a UPS tracking number": _ups,
    "a USPS tracking number": _usps,
    "a FedEx tracking number (12)": lambda c: _digits(c, 12),
    "a FedEx tracking number (15)": lambda c: _digits(c, 15),
    "a DHL shipment (20, `00340434...`)": lambda c: f"00340434{_digits(c, 12)}",
    "a time in ms": _now(1_000),
    "a time in µs": _now(1_000_000),
    "a time in ns": _now(1_000_000_000),
    "an ISO 8601 time": lambda c: (
        f"2026-{c.randint(1, 12):02}-{c.randint(1, 28):02}T{_digits(c, 2)}:00:00.{_digits(c, 9)}Z"
    ),
    "an EAN-13": lambda c: _with_ean(_digits(c, 12)),
    "an ISBN-13": lambda c: _with_ean(f"978{_digits(c, 9)}"),
    "a Snowflake id of today (19)": lambda c: str(c.randint(1_000_000_000_000_000_000, 1_999_999_999_999_999_999)),
    "a Snowflake id of before 2022 (18)": lambda c: str(c.randint(10**17, 10**18 - 1)),
    "a Stripe id": _stripe_id,
    "a coordinate or another fraction": lambda c: f"{c.randint(0, 180)}.{_digits(c, c.randint(13, 16))}",
    "any number of 13 digits": lambda c: f"{c.randint(1, 9)}{_digits(c, 12)}",
    "any number of 14 digits": lambda c: f"{c.randint(1, 9)}{_digits(c, 13)}",
    "any number of 16 digits": lambda c: f"{c.randint(1, 9)}{_digits(c, 15)}",
    "any number of 18 digits": lambda c: f"{c.randint(1, 9)}{_digits(c, 17)}",
    "any number of 20 digits": lambda c: f"{c.randint(1, 9)}{_digits(c, 19)}",
}

_CARDS = (
    ("4", 16),
    ("51", 16),
    ("2221", 16),
    ("34", 15),
    ("6011", 16),
    ("36", 14),
    ("3530", 16),
    ("62", 19),
    ("2200", 16),
    ("6759", 16),
    ("60", 16),
    ("506150", 16),
    ("508", 16),
    ("65", 16),
    ("9792", 16),
)
_SIZES = {14: (4, 6, 4), 15: (4, 6, 5), 16: (4, 4, 4, 4), 19: (4, 4, 4, 4, 3)}


def a_card(chance: random.Random) -> str:
    prefix, length = chance.choice(_CARDS)
    return with_luhn(prefix + _digits(chance, length - len(prefix) - 1))


def grouped(card: str, separator: str) -> str:
    groups, at = [], 0
    for size in _SIZES[len(card)]:
        groups.append(card[at : at + size])
        at += size
    return separator.join(groups)


def _by(separator: str) -> Make:
    return lambda chance: grouped(a_card(chance), separator)


def _in_script(zero: str) -> Make:
    return lambda chance: a_card(chance).translate({ord("0") + each: ord(zero) + each for each in range(10)})


def _around(before: str, after: str) -> Make:
    return lambda chance: f"{before}{a_card(chance) if chance.random() < 0.5 else grouped(a_card(chance), '-')}{after}"


DISGUISED: Mapping[str, Make] = {
    "plain": a_card,
    "in groups, by a space": _by(" "),
    "by a hyphen": _by("-"),
    "by two spaces": _by("  "),
    "by a tab": _by("\t"),
    "by a line feed": _by("\n"),
    "by a dot": _by("."),
    "by a slash": _by("/"),
    "by an underscore": _by("_"),
    "by a comma": _by(","),
    "by a comma and a space": _by(", "),
    "by a plus": _by("+"),
    "by a bar": _by("|"),
    "by a no-break space": _by("\N{NO-BREAK SPACE}"),
    "by a thin space": _by("\N{THIN SPACE}"),
    "by an en dash": _by("\N{EN DASH}"),
    "by a no-break hyphen": _by("\N{NON-BREAKING HYPHEN}"),
    "by a minus": _by("\N{MINUS SIGN}"),
    "by a middle dot": _by("\N{MIDDLE DOT}"),
    "by a hyphen between spaces": _by(" - "),
    "by `%20`": _by("%20"),
    "by `%C2%A0`": _by("%C2%A0"),
    "by `&nbsp;`": _by("&nbsp;"),
    "by a zero-width space": _by("\N{ZERO WIDTH SPACE}"),
    "by a zero-width space and visible ones": lambda c: grouped(a_card(c), " ").replace(" ", "\N{ZERO WIDTH SPACE}", 1),
    "a zero-width joiner between all digits": lambda c: "\N{ZERO WIDTH JOINER}".join(a_card(c)),
    "by a soft hyphen": _by("\N{SOFT HYPHEN}"),
    "in full-width digits": _in_script("\N{FULLWIDTH DIGIT ZERO}"),
    "in Arabic digits": _in_script("\N{ARABIC-INDIC DIGIT ZERO}"),
    "in percent escapes": lambda c: "".join(f"%{ord(each):02X}" for each in a_card(c)),
    "after a letter": _around("x", ""),
    "before a letter": _around("", "x"),
    "between letters": _around("card", "visa"),
    "after an underscore": _around("user_", ""),
    "after a leading zero": _around("0", ""),
    "after zeros, to 20 digits": lambda c: a_card(c).zfill(20),
    "after another number": _around("2 ", ""),
    "before its date and code": _around("", " 12/29 123"),
    "after a country and two digits": _around("DE12 ", ""),
    "two side by side": lambda c: f"{grouped(a_card(c), ' ')} {grouped(a_card(c), ' ')}",
}


def rate(make: Make, *, refused: bool, count: int = COUNT) -> float:
    """Return the share of what `make` makes that is refused, or that is not."""
    chance = random.Random(SEED)
    return sum(text_holds_card_number(make(chance)) is refused for _ in range(count)) / count


def main() -> None:
    say = sys.stdout.write
    say("| kind | refused |\n|---|---|\n")
    for name, make in HARMLESS.items():
        say(f"| {name} | {_shown(rate(make, refused=True))} |\n")
    say("\n| disguise | missed |\n|---|---|\n")
    for name, make in DISGUISED.items():
        say(f"| {name} | {_shown(rate(make, refused=False))} |\n")


def _shown(share: float) -> str:
    return f"{share:.2%}" if share else "0"


if __name__ == "__main__":
    main()
