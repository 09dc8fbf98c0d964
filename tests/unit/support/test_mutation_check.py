"""`make mutate` changes code that is there."""

import subprocess
import sys
import tomllib
from pathlib import Path

from tests.support import mutation_check

ROOT = Path(__file__).parents[3]
OPTIONS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["mutmut"]
PATTERNS = OPTIONS["only_mutate"]
_COPIED_ALWAYS = ("tests", "pyproject.toml")
_COLLECT_TWICE = """
import sys
import pytest

class Collected:
    def pytest_collection_modifyitems(self, items):
        self.names = {item.nodeid for item in items}

def collect():
    collected = Collected()
    code = pytest.main(["--collect-only", "-p", "no:randomly", *sys.argv[1:]], plugins=[collected])
    return code or collected.names

first = collect()
if isinstance(first, int):
    sys.exit(first)
if first != (again := collect()):
    sys.exit(f"other names the second time: {first ^ again}")
"""


def test_every_file_that_it_changes_exists() -> None:
    assert [pattern for pattern in PATTERNS if not any(ROOT.glob(pattern))] == []


def test_it_begins_with_a_module_that_it_changes() -> None:
    module = mutation_check.SMALLEST.removesuffix(".*").replace(".", "/") + ".py"
    assert any(ROOT / module in ROOT.glob(pattern) for pattern in PATTERNS)


def test_its_tests_need_nothing_that_is_not_copied(tmp_path: Path) -> None:
    """Nor is one named otherwise when they are collected once more, as mutmut does before it runs them by name."""
    for name in (*OPTIONS["source_paths"], *OPTIONS["also_copy"], *_COPIED_ALWAYS):
        (tmp_path / name).symlink_to(ROOT / name)
    argv = [sys.executable, "-c", _COLLECT_TWICE, *OPTIONS["pytest_add_cli_args_test_selection"]]
    collected = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert collected.returncode == 0, collected.stdout + collected.stderr
