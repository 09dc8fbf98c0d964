"""Each value of a URL is taken in one spelling."""

from datetime import UTC, date, datetime
from typing import Annotated, Any
from uuid import UUID

import pytest
from pydantic import TypeAdapter, ValidationError

from schemas.http.strict import IN_DIGITS, Boolean, Day, Id, Moment

Integer = Annotated[int, IN_DIGITS]
ID = UUID("019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071")


def read(kind: Any, value: object) -> object:
    return TypeAdapter(kind).validate_python(value)


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (Integer, "0", 0),
        (Integer, "42", 42),
        (Integer, "9223372036854775807", 2**63 - 1),
        (Integer, "1" + "0" * 20, 10**20),
        (Boolean, "true", True),
        (Boolean, "false", False),
        (Day, "2024-02-29", date(2024, 2, 29)),
        (Moment, "2026-05-01", datetime(2026, 5, 1, tzinfo=UTC)),
        (Moment, "2026-05-01T12:00Z", datetime(2026, 5, 1, 12, tzinfo=UTC)),
        (Moment, "2026-05-01T12:00:01.5", datetime(2026, 5, 1, 12, 0, 1, 500_000, tzinfo=UTC)),
        (Moment, "2026-05-01 12:00:00", datetime(2026, 5, 1, 12, tzinfo=UTC)),
        (Moment, "2026-05-01T14:00:00+02:00", datetime(2026, 5, 1, 12, tzinfo=UTC)),
        (Moment, "2026-05-01T14:00:00 02:00", datetime(2026, 5, 1, 12, tzinfo=UTC)),
        (Id[UUID], str(ID), ID),
        (Id[UUID], str(ID).upper(), ID),
    ],
)
def test_the_one_spelling_is_taken(kind: Any, text: str, value: object) -> None:
    assert read(kind, text) == value


FULL_WIDTH = str.maketrans("0123456789", "".join(map(chr, range(0xFF10, 0xFF1A))))
OTHER_SPELLINGS: list[tuple[Any, list[object]]] = [
    (Integer, ["", "+1", "-1", "-0", "01", " 1", "1 ", "1\n", "1_000", "1.0", "1e3", "0x1", "1" * 101]),
    (Integer, ["1".translate(FULL_WIDTH), "\N{ARABIC-INDIC DIGIT ONE}", "\N{SUPERSCRIPT TWO}"]),
    (Integer, ["true", "null", "[1]", True, 1.0, None, [1]]),
    (Boolean, ["", "1", "0", "on", "off", "yes", "t", "True", "TRUE", " true", 1, 0, None]),
    (Day, ["", "0", "1777593600", "20260501", "2026-5-1", "2026-W18-5", "2026-121", "2026-02-30", "2026-05-01 "]),
    (Day, ["2026-05-01T00:00:00", "2026-05-01Z", "2026-05-01".translate(FULL_WIDTH), "0000-01-01"]),
    (Day, [20260501, 1777593600, 1.0, True, None]),
    (Moment, ["", "now", "0", "1777593600", "20260501T120000Z", "2026-W18-5", "2026-05-01T12", "2026-05-01x12:00"]),
    (Moment, ["2026-05-01T12:00:00,5", "2026-05-01T25:00", "2026-05-01T12:00:60Z", "2026-05-01T12:00+0200"]),
    (Moment, ["2026-05-01T12:00:00.1234567Z", "2026-05-01T12:00z", " 2026-05-01", "0001-01-01T00:00+14:00"]),
    (Moment, ["9999-12-31T23:59-14:00", "2026-05-01".translate(FULL_WIDTH), 0, 1.5, True, None]),
    (Id[UUID], ["", "x", ID.hex, f"{{{ID}}}", f"urn:uuid:{ID}", f" {ID}", f"{ID}\n", ID.int, None]),
]


@pytest.mark.parametrize(("kind", "value"), [(kind, value) for kind, values in OTHER_SPELLINGS for value in values])
def test_every_other_spelling_is_refused(kind: Any, value: object) -> None:
    with pytest.raises(ValidationError):
        read(kind, value)
