"""`make mutate` changes code that is there."""

import tomllib
from pathlib import Path

from tests.support import mutation_check

ROOT = Path(__file__).parents[3]


def test_every_file_that_it_changes_exists() -> None:
    patterns = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["mutmut"]["only_mutate"]
    assert [pattern for pattern in patterns if not any(ROOT.glob(pattern))] == []


def test_it_begins_with_a_module_that_it_changes() -> None:
    patterns = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["mutmut"]["only_mutate"]
    module = mutation_check.SMALLEST.removesuffix(".*").replace(".", "/") + ".py"
    assert any(ROOT / module in ROOT.glob(pattern) for pattern in patterns)
