from pathlib import Path

import pytest

from infra.postgres.queries import Queries, QueryFileError

GOOD = """-- Statements of payments.

-- name: find_payment
-- One payment of a merchant, 100% sure.
SELECT *
  -- all of it
  FROM payments
 WHERE id = %(id)s;

-- name: touch
-- Mark it as seen.
UPDATE payments SET seen = true
"""


def a_file(folder: Path, text: str) -> Path:
    path = folder / "queries.sql"
    path.write_text(text)
    return path


def test_statements_are_found_by_attribute_and_item(tmp_path: Path) -> None:
    queries = Queries.load(a_file(tmp_path, GOOD))

    assert queries.touch == queries["touch"] == "UPDATE payments SET seen = true"
    assert list(queries) == ["find_payment", "touch"]


def test_comments_are_left_out_for_their_percent_signs(tmp_path: Path) -> None:
    queries = Queries.load(a_file(tmp_path, GOOD))

    assert queries.find_payment == "SELECT *\n  FROM payments\n WHERE id = %(id)s"


def test_a_missing_name_is_an_error_that_says_which(tmp_path: Path) -> None:
    queries = Queries.load(a_file(tmp_path, GOOD))

    with pytest.raises(QueryFileError, match=r"queries\.sql has no statement find_refund"):
        _ = queries.find_refund


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("-- name: a\n-- A.\nSELECT 1\n-- name: a\n-- A.\nSELECT 2", "a is there twice"),
        ("SELECT 1;\n-- name: a\n-- A.\nSELECT 1", "before the first '-- name:' line"),
        ("-- name: FindIt\n-- A.\nSELECT 1", "'FindIt' is not a snake_case name"),
        ("-- name:\n-- A.\nSELECT 1", "'' is not a snake_case name"),
        ("-- name: a\nSELECT 1", "a lacks the comment line that says what it is for"),
        ("-- name: a\n-- A.\n;", "a has no SQL"),
    ],
)
def test_a_file_that_is_not_well_formed_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(QueryFileError, match=message):
        Queries.load(a_file(tmp_path, text))
