"""A row that differs, in words."""

import uuid
from typing import Any

import pytest

from projections.difference_text import difference_text
from projections.row_differences import RowDifference

ID = str(uuid.UUID(int=1))


@pytest.mark.parametrize(
    ("expected", "actual", "text"),
    [
        ({"a": 1}, None, f"payments, payment_id {ID}: the read model has no such row"),
        (None, {"a": 1}, f"payments, payment_id {ID}: no event makes such a row"),
        ({"a": 1, "b": "x"}, {"a": 2, "b": None}, f'payments, payment_id {ID}: a is 2, not 1; b is null, not "x"'),
    ],
)
def test_it_says_where_it_is_and_what_is_there_instead(
    expected: dict[str, Any] | None, actual: dict[str, Any] | None, text: str
) -> None:
    found = RowDifference(
        projection="payments", table="payments", key={"payment_id": ID}, expected=expected, actual=actual
    )
    assert difference_text(found) == text
