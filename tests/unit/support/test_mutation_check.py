"""`make mutate` changes code that is there."""

import tomllib
from pathlib import Path

from tests.support import mutation_check

ROOT = Path(__file__).parents[3]
PATTERNS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["mutmut"]["only_mutate"]


def test_every_file_that_it_changes_exists() -> None:
    assert [pattern for pattern in PATTERNS if not any(ROOT.glob(pattern))] == []


def test_it_begins_with_a_module_that_it_changes() -> None:
    module = mutation_check.SMALLEST.removesuffix(".*").replace(".", "/") + ".py"
    assert any(ROOT / module in ROOT.glob(pattern) for pattern in PATTERNS)
