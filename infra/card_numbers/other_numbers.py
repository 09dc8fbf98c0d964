"""Numbers that look like a card's and are known to be something else, by their form and check digits.

Looked for only where something looks like a card's number, in time that grows with the text's length.
"""

import re
from collections.abc import Iterator

_UUID = re.compile(r"(?<![0-9a-z])[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}(?![0-9a-z])", re.ASCII | re.IGNORECASE)
# MD5 and trace ids, SHA-1, SHA-2, object ids of 12 bytes: of hexadecimal digits with letters among them, in one case.
_HASH = re.compile(r"(?<![0-9A-Za-z])(?:[0-9a-f]+|[0-9A-F]+)(?![0-9A-Za-z])")
_HASH_LENGTHS = frozenset({24, 32, 40, 48, 56, 64, 96, 128})
# https://docs.stripe.com/api: letters and digits after what kind it is.
_STRIPE_ID = re.compile(
    r"(?<![0-9A-Za-z])(?:acct|ch|cs|cus|dp|du|evt|fee|fr|ii|il|in|mandate|pi|pm|po|price|prod|py|pyr|re|req|seti|si|sub|"
    r"trr|tr|txn|we)_(?:test_|live_)?(?=[0-9]*[A-Za-z])[0-9A-Za-z]{14,}"
)
_FRACTION = re.compile(r"(?<![\w.])[0-9]{1,3}\.[0-9]{13,19}(?![\w.])")
# https://www.ups.com/us/en/support/tracking-support: 1Z, shipper, service, parcel, check digit.
_UPS = re.compile(r"(?<![0-9A-Za-z])1[Zz][0-9A-Za-z]{16}(?![0-9A-Za-z])")
# Of USPS, in fours: https://postalpro.usps.com, publication 199.
_USPS = re.compile(r"(?<![0-9A-Za-z])9[1-5][0-9]{2}(?:[ -]?[0-9]{4}){4}(?:[ -]?[0-9]{2})?(?![ -]?[0-9A-Za-z])")
_USPS_LENGTH = 22
_IBAN_START = re.compile(r"(?<![0-9A-Za-z])[A-Za-z]{2}[0-9]{2}")
# Country and length: https://www.swift.com/swift-resource/11971/download
_IBANS = """
AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ES24 FI18
FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20
LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24
SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30
"""
_IBAN_LENGTHS = {each[:2]: int(each[2:]) for each in _IBANS.split()}
_EAN_LENGTH = 13
# Mobile numbers of Germany and Austria with their country codes have as many digits as old Visa cards.
_MOBILE = re.compile(r"491[5-7][0-9]{9}|436[0-9]{10}")


def is_article_or_telephone(digits: str, before: str) -> bool:
    """Tell whether a run of digits is an article's number (EAN-13, ISBN-13) or a telephone's with its country code.

    Only 13 digits are treated so: no scheme issues such numbers any more. `before` is the text before them.
    """
    if len(digits) != _EAN_LENGTH:
        return False
    return before == "+" or _MOBILE.fullmatch(digits) is not None or _has_ean_check_digit(digits)


def known_numbers(text: str) -> Iterator[tuple[int, int, int]]:
    """Return where numbers of a known kind stand: start, end, and where the part begins that must not be a card alone.

    When all of that part is a card's number, the text is that card, with something before it.
    """
    for found in _UUID.finditer(text):
        yield (*found.span(), found.start())
    for found in _HASH.finditer(text):
        if len(found.group()) in _HASH_LENGTHS and not found.group().isdigit():
            yield (*found.span(), found.start())
    for pattern in (_STRIPE_ID, _FRACTION):
        for found in pattern.finditer(text):
            yield (*found.span(), found.start())
    for found in _UPS.finditer(text):
        is_sure = _has_ups_check_digit(found.group())
        yield (*found.span(), found.start() if is_sure else found.start() + 2)
    for found in _USPS.finditer(text):
        digits = re.sub(r"[ -]", "", found.group())
        if len(digits) == _USPS_LENGTH or _has_ean_check_digit(digits):
            yield (*found.span(), found.start())
    yield from _ibans(text)


def _ibans(text: str) -> Iterator[tuple[int, int, int]]:
    for found in _IBAN_START.finditer(text):
        length = _IBAN_LENGTHS.get(found.group()[:2].upper())
        if length is None:
            continue
        written, at = found.group(), found.end()
        while len(written) < length and at < len(text):
            if text[at] in " -." and text[at + 1 : at + 2].isalnum():
                at += 1
            if not (text[at].isascii() and text[at].isalnum()):
                break
            written += text[at]
            at += 1
        if len(written) == length and not text[at : at + 1].isalnum():
            is_sure = _has_iban_check_digits(written.upper())
            account = found.end() + (not text[found.end()].isalnum())
            yield found.start(), at, found.start() if is_sure else account


def _has_iban_check_digits(iban: str) -> bool:
    return int("".join(str(int(each, 36)) for each in iban[4:] + iban[:4])) % 97 == 1


def _has_ean_check_digit(digits: str) -> bool:
    return (sum(map(int, digits[-1::-2])) + 3 * sum(map(int, digits[-2::-2]))) % 10 == 0


def _has_ups_check_digit(number: str) -> bool:
    values = [int(each) if each.isdigit() else (ord(each) - 63) % 10 for each in number.upper()[2:]]
    return values[-1] == -(sum(values[0:-1:2]) + 2 * sum(values[1:-1:2])) % 10
