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


def test_every_file_that_it_changes_exists() -> None:
    assert [pattern for pattern in PATTERNS if not any(ROOT.glob(pattern))] == []


def test_it_begins_with_a_module_that_it_changes() -> None:
    module = mutation_check.SMALLEST.removesuffix(".*").replace(".", "/") + ".py"
    assert any(ROOT / module in ROOT.glob(pattern) for pattern in PATTERNS)


def test_its_tests_need_nothing_that_is_not_copied(tmp_path: Path) -> None:
    for name in (*OPTIONS["source_paths"], *OPTIONS["also_copy"], *_COPIED_ALWAYS):
        (tmp_path / name).symlink_to(ROOT / name)
    selection = OPTIONS["pytest_add_cli_args_test_selection"]
    argv = [sys.executable, "-m", "pytest", "--collect-only", "-p", "no:randomly", *selection]
    collected = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert collected.returncode == 0, collected.stdout
