"""Values that clients write, taken in one spelling each: what could be read in two ways is refused.

pydantic turns `1.0`, `+1`, `1_000` and ` 1 ` into numbers, numbers into dates, and `on` into true; Python's
`fromisoformat` takes weeks and any letter between day and time. A misread filter shows the wrong money.
"""

import re
from datetime import UTC, date, datetime
from typing import Annotated, TypeVar
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator
from pydantic_core import PydanticCustomError

_Uuid = TypeVar("_Uuid", bound=UUID)
_Text = TypeVar("_Text", bound=str | None)

_INTEGER = re.compile(r"0|[1-9][0-9]{0,99}")  # a bound says what is too large
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?(?:Z|[+-][0-9]{2}:[0-9]{2})?)?"
)
# A "+" that was not escaped in a URL arrives as a space.
_OFFSET_WITHOUT_PLUS = re.compile(r"(?<=[0-9]) (?=[0-9]{2}:[0-9]{2}\Z)")
_WITH_TIME = len("2026-05-01T12:00")


def _integer(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and _INTEGER.fullmatch(value):
        return int(value)
    raise PydanticCustomError("integer", "must be a whole number in digits alone")


def _boolean(value: object) -> bool:
    if isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return value == "true"
    raise PydanticCustomError("boolean", "must be true or false")


def _day(value: object) -> date:
    try:
        if isinstance(value, str) and _DAY.fullmatch(value):
            return date.fromisoformat(value)
    except ValueError:
        pass
    raise PydanticCustomError("day", "must be a day like 2026-05-01")


def _moment(value: object) -> datetime:
    try:
        if isinstance(value, str):
            text = _OFFSET_WITHOUT_PLUS.sub("+", value) if len(value) > _WITH_TIME else value
            if _MOMENT.fullmatch(text):
                moment = datetime.fromisoformat(text)
                return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise PydanticCustomError("moment", "must be a time like 2026-05-01T12:00:00Z")


def parse_id(text: str) -> UUID | None:
    """Return the id that a text spells, or None. Braces, a urn or missing hyphens are refused: one thing has one id."""
    try:
        found = UUID(text)
    except ValueError:
        return None
    return found if str(found) == text.lower() else None


def _id(value: object) -> UUID:
    if isinstance(value, str) and (found := parse_id(value)) is not None:
        return found
    raise PydanticCustomError("id", "must be an id like 019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071")


def check_storable(text: _Text) -> _Text:
    """Return the text. Raises PydanticCustomError for one that PostgreSQL's text and jsonb cannot hold."""
    if text is not None and "\x00" in text:
        raise PydanticCustomError("null_character", "must not contain the character U+0000")
    return text


IN_DIGITS = BeforeValidator(_integer)
"""For `Annotated[int, Field(...), IN_DIGITS]`, last, or the bounds are not in the JSON Schema: a whole number of a
URL or a header, not below 0, in the digits 0 to 9, without a sign, blanks or leading zeros."""
AS_DAY = BeforeValidator(_day)
"""For a date, likewise: YYYY-MM-DD."""
AS_MOMENT = BeforeValidator(_moment)
"""For a time, likewise."""
Boolean = Annotated[bool, BeforeValidator(_boolean)]
"""`true` or `false`: of a URL."""
Day = Annotated[date, AS_DAY]
"""YYYY-MM-DD."""
Moment = Annotated[datetime, AS_MOMENT]
"""RFC 3339 (https://www.rfc-editor.org/rfc/rfc3339#section-5.6) in UTC unless it has an offset; also a day alone."""
Id = Annotated[_Uuid, BeforeValidator(_id)]
"""For `Id[PaymentId]`: a UUID with its hyphens, in either case."""
STORABLE = AfterValidator(check_storable)
"""For text: without the character U+0000."""
