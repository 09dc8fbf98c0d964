"""What a command prints for programs: a line of JSON for each row."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import pytest

from infra.cli.output import print_json_lines


@dataclass(frozen=True, slots=True)
class Row:
    row_id: UUID
    at: datetime
    said: str
    parts: list[str]
    found: int


ROW = Row(UUID(int=1), datetime(2026, 5, 1, 12, tzinfo=UTC), "Ünicode\n", ["a"], 7)


def test_each_row_is_a_line_with_its_members(capsys: pytest.CaptureFixture[str]) -> None:
    print_json_lines([ROW, {"name": "anna", "locked": None}])
    first, second = capsys.readouterr().out.splitlines()
    assert json.loads(first) == {
        "row_id": str(UUID(int=1)),
        "at": "2026-05-01T12:00:00Z",
        "said": "Ünicode\n",
        "parts": ["a"],
    }
    assert json.loads(second) == {"name": "anna", "locked": None}


def test_no_row_is_no_line(capsys: pytest.CaptureFixture[str]) -> None:
    print_json_lines([])
    assert capsys.readouterr().out == ""


def test_no_secret_is_in_any_text(capsys: pytest.CaptureFixture[str]) -> None:
    secret = "sk_live_" + "51Abcdefghijklmnopqrstuvwx"
    print_json_lines([{"error": f"key {secret}", "inside": {"texts": [secret]}}])
    assert secret not in capsys.readouterr().out
    print_json_lines([{"prefix": "psk_live_Ab12Cd34"}], as_it_is=["prefix"])
    assert json.loads(capsys.readouterr().out) == {"prefix": "psk_live_Ab12Cd34"}
