"""The rows of `make bench` can be measured: one short round of each that needs no whole system."""

from pathlib import Path

import pytest

from tests.load.bench.__main__ import ROWS
from tests.load.bench.measurement import Context, Goal, Sample, measured

_SHORT = ("append-16", "publish", "project", "queue-gauge", "claim", "encrypt-new")


@pytest.mark.parametrize("name", _SHORT)
async def test_a_row_is_measured(name: str, tmp_path: Path) -> None:
    (row,) = (row for row in ROWS if row.name == name)
    result = await measured(row, Context(folder=tmp_path, short=True))
    assert result.samples[0].value > 0
    assert result.samples[0].limit is None or result.samples[0].limit > 0
    assert result.as_json()["median"] == result.samples[0].value


def test_names_of_rows_are_unique() -> None:
    assert len({row.name for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize(
    ("goal", "values", "limit", "met"),
    [
        (Goal(at_least=10), [9, 10, 11], None, True),
        (Goal(at_least=10), [9, 9, 11], None, False),
        (Goal(at_most=10), [9, 10, 30], None, True),
        (Goal(at_most=10), [11, 12, 1], None, False),
        (Goal(at_least=0.5, of_limit=True), [50], 100, True),
        (Goal(at_least=0.5, of_limit=True), [49], 100, False),
    ],
)
def test_the_median_meets_the_goal(goal: Goal, values: list[float], limit: float | None, met: bool) -> None:
    assert goal.is_met([Sample(value=value, limit=limit) for value in values]) is met
