"""Reads the values of a report: amounts, moments, ids and currencies, as Stripe or a spreadsheet wrote them.

What reads in two ways is decided by the rest of the file, which is all written in one way (`Style`), or it is refused.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo

from consumers.reconciliation.statement.report_file.errors import shown
from domain.currencies import SUPPORTED, decimals

_FIRST_YEAR, _LAST_YEAR = 2010, 2100
_MOST_DIGITS = 17  # of a number as it is written
_MOST = 10**15  # a payout may be a thousand times Stripe's largest charge: https://docs.stripe.com/currencies
_LONGEST_ID = 255
_EXCEL = "open the file that Stripe made, not one that a spreadsheet has saved"

_ID = re.compile(r"[A-Za-z][A-Za-z0-9]*_[A-Za-z0-9_\-]+")
_CATEGORY = re.compile(r"[a-z][a-z0-9_]{0,99}")
_POINT, _COMMA = ".", ","

_PLAIN = re.compile(r"-?[0-9]+")
_DECIMAL = re.compile(r"-?[0-9]+([.,])[0-9]+")
_GROUPED = re.compile(r"-?[0-9]{1,3}(?:([.,' \u00a0\u202f])[0-9]{3})(?:\1[0-9]{3})*(?:([.,])[0-9]+)?")
_ONE_GROUP = re.compile(r"-?[1-9][0-9]{0,2}[.,][0-9]{3}")

_ISO = re.compile(
    r"([0-9]{4})([-/.])([0-9]{1,2})\2([0-9]{1,2})"
    r"(?:[T ]([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(?:\.[0-9]{1,9})?)?\s?(Z|UTC|[+-][0-9]{2}(?::?[0-9]{2})?)?)?"
)
_LOCAL = re.compile(
    r"([0-9]{1,2})([/.\-])([0-9]{1,2})\2([0-9]{4})"
    r"(?:,?\s+([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?(?:\s?([AaPp][Mm]))?)?"
)
_NOON = 12


class Unreadable(Exception):
    """A value that cannot be read: what is wrong with it, and what helps."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.remedy = remedy


class Ambiguous(Unreadable):
    """A value that reads in two ways. What the rest of the file says may decide it."""


@dataclass(kw_only=True)
class Style:
    """How a file writes numbers and dates, as far as what was read of it shows."""

    decimal: str | None = None
    """The decimal separator."""
    day_first: bool | None = None
    """Whether 01/02/2026 is in February, and not in January."""

    def take_decimal(self, mark: str, text: str) -> None:
        """Learn from a number that reads in one way. Raises Unreadable when others were written another way."""
        if self.decimal is None:
            self.decimal = mark
        elif self.decimal != mark:
            raise Unreadable(
                f"{shown(text)} has its decimals after {mark!r}, and numbers before it after {self.decimal!r}", _EXCEL
            )

    def take_day_first(self, day_first: bool, text: str) -> None:
        """Learn from a date that reads in one way. Raises Unreadable when others were written another way."""
        if self.day_first is None:
            self.day_first = day_first
        elif self.day_first != day_first:
            raise Unreadable(f"{shown(text)} has its day and month the other way round than dates before it", _EXCEL)


def currency_of(text: str) -> str:
    """Return a currency in upper case. Raises Unreadable for one whose decimals nobody knows here."""
    currency = text.strip(" ").upper()
    if not currency:
        raise Unreadable("there is no currency", "download the report with its default columns")
    if currency not in SUPPORTED:
        raise Unreadable(
            f"{shown(text)} is no currency that Paystream knows",
            "see the list in domain/currencies.py; amounts cannot be read",
        )
    return currency


def amount_of(text: str, currency: str, style: Style) -> int:
    """Return an amount in the currency's smallest unit as Stripe counts it. Raises Unreadable or Ambiguous."""
    number = text.strip(" \u00a0")
    if not number:
        raise Unreadable("there is no amount", "download the report again")
    places = decimals(currency)
    value = Decimal(_plain(number, places, style))
    scaled = value.scaleb(places)
    if scaled != scaled.to_integral_value():
        raise Unreadable(
            f"{shown(text)} is no amount of {currency}, which has {places} decimals",
            "download the report again; a spreadsheet may have rounded or re-formatted it",
        )
    if abs(scaled) > _MOST:
        raise Unreadable(f"{shown(text)} is more than any amount", "download the report again")
    return int(scaled)


def _plain(number: str, places: int, style: Style) -> str:
    """Return a number as Decimal reads it."""
    if sum(map(str.isdigit, number)) > _MOST_DIGITS:
        raise Unreadable(f"{shown(number)} has more digits than any amount", "download the report again")
    if _PLAIN.fullmatch(number):
        return number
    if _ONE_GROUP.fullmatch(number) and (mark := _COMMA if _COMMA in number else _POINT) != style.decimal:
        return _one_group(number, mark, places, style)
    if (found := _DECIMAL.fullmatch(number)) is not None:
        style.take_decimal(found[1], number)
        return number.replace(found[1], ".")
    if (found := _GROUPED.fullmatch(number)) is not None and found[1] != found[2]:
        if found[2] is not None:
            style.take_decimal(found[2], number)
        elif found[1] in {_POINT, _COMMA}:
            style.take_decimal(_COMMA if found[1] == _POINT else _POINT, number)
        return number.replace(found[1], "").replace(_COMMA, ".")
    if re.fullmatch(r"-?[0-9.,]+[eE][+-]?[0-9]+", number):
        raise Unreadable(
            f"{shown(number)} is in scientific notation, as spreadsheets write: digits may be lost", _EXCEL
        )
    raise Unreadable(f"{shown(number)} is not an amount", "an amount is like -1234.56; download the report again")


def _one_group(number: str, mark: str, places: int, style: Style) -> str:
    """Read 1,234: a thousand, unless the decimals stand after such a mark.

    Stripe writes a point by default, and all decimals that a currency has (parameter `decimal_separator`).
    """
    if style.decimal is not None:
        return number.replace(mark, "")
    if mark == _POINT:
        style.take_decimal(_POINT, number)
        return number
    if places == len("234"):
        raise Ambiguous(
            f"{shown(number)} may be {number.replace(_COMMA, '')} or {number.replace(_COMMA, '.')}",
            "download the report with the decimal separator `.`",
        )
    style.take_decimal(_POINT, number)
    return number.replace(_COMMA, "")


def moment_of(text: str, zone: ZoneInfo | timezone, style: Style) -> int:
    """Return a moment in Unix seconds; one without an offset is of the zone. Raises Unreadable or Ambiguous."""
    written = text.strip(" ")
    try:
        if (found := _ISO.fullmatch(written)) is not None:
            year, month, day, hour, minute, second = (int(found[at] or 0) for at in (1, 3, 4, 5, 6, 7))
            offset = zone if found[8] is None else _offset(found[8])
            moment = datetime(year, month, day, hour, minute, second, tzinfo=offset)
        elif (found := _LOCAL.fullmatch(written)) is not None:
            moment = _local(found, written, zone, style)
        else:
            raise Unreadable(_not_a_time(text), f"a time is like 2026-05-01 12:00:00; {_EXCEL}")
    except ValueError:
        raise Unreadable(f"{shown(text)} is no date that there is", _EXCEL) from None
    if not _FIRST_YEAR <= moment.year < _LAST_YEAR:
        raise Unreadable(f"{shown(text)} is not of this time", _EXCEL)
    return int(moment.timestamp())


def _local(found: re.Match[str], written: str, zone: ZoneInfo | timezone, style: Style) -> datetime:
    """Read a date as a spreadsheet of some country writes it. With points, the day is first everywhere."""
    first, second, year = int(found[1]), int(found[3]), int(found[4])
    if found[2] == "." or first > _NOON:
        style.take_day_first(day_first=True, text=written)
    elif second > _NOON:
        style.take_day_first(day_first=False, text=written)
    if style.day_first is None and first != second:
        raise Ambiguous(f"{shown(written)} may be of two days: a spreadsheet has re-formatted it", _EXCEL)
    day, month = (first, second) if style.day_first else (second, first)
    hour = int(found[5] or 0)
    if found[8] is not None:
        if not 1 <= hour <= _NOON:
            raise ValueError(written)
        hour = hour % _NOON + (_NOON if found[8].lower() == "pm" else 0)
    return datetime(year, month, day, hour, int(found[6] or 0), int(found[7] or 0), tzinfo=zone)


def _offset(written: str) -> timezone:
    if written in {"Z", "UTC"}:
        return UTC
    digits = written[1:].replace(":", "").ljust(4, "0")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-offset if written[0] == "-" else offset)


def _not_a_time(text: str) -> str:
    if not text.strip():
        return "there is no time"
    if re.fullmatch(r"[0-9]+(?:[.,][0-9]+)?", text.strip()):
        return f"{shown(text)} is a time as a spreadsheet counts it"
    return f"{shown(text)} is not a time"


def id_of(text: str) -> str:
    """Return a Stripe id. Raises Unreadable if a spreadsheet has changed it."""
    written = text.strip(" ")
    if not written:
        raise Unreadable("there is no id", "download the report again")
    if len(written) > _LONGEST_ID or not _ID.fullmatch(written):
        raise Unreadable(
            f"{shown(text)} is no Stripe id, which is like txn_1Abc; a spreadsheet may have changed it", _EXCEL
        )
    return written


def category_of(text: str) -> str:
    """Return a reporting category: https://docs.stripe.com/reports/reporting-categories. Raises Unreadable."""
    written = text.strip(" ")
    if not _CATEGORY.fullmatch(written):
        raise Unreadable(f"{shown(text) or 'nothing'} is no reporting category", "download the report again")
    return written
