"""What a folder covers is the sum of its files, as coverage.py itself would count it."""

import pytest

from tests.support.coverage_table import by_folder, total


def summary(*, lines: int, run: int, branches: int = 0, taken: int = 0) -> dict[str, dict[str, int]]:
    return {
        "summary": {
            "num_statements": lines,
            "covered_lines": run,
            "num_branches": branches,
            "covered_branches": taken,
        }
    }


def test_a_folder_is_the_sum_of_its_files_and_the_total_of_the_folders() -> None:
    folders = by_folder(
        {
            "infra/a.py": summary(lines=10, run=9, branches=4, taken=1),
            "domain/money.py": summary(lines=5, run=5),
            "infra/kafka/b.py": summary(lines=6, run=5),
        }
    )
    assert list(folders) == ["domain", "infra"]
    assert folders["domain"].percent == 100
    assert folders["infra"].percent == 75
    assert total(folders).percent == pytest.approx(80)


def test_a_folder_without_code_lacks_nothing() -> None:
    assert by_folder({"domain/__init__.py": summary(lines=0, run=0)})["domain"].percent == 100
