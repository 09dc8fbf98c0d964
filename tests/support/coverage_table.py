"""Prints what a measured run covered, by top-level folder, and fails below the floor (`fail_under` in pyproject.toml).

python -m tests.support.coverage_table
"""

import json
import sys
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coverage import Coverage
from rich import box
from rich.console import Console
from rich.table import Table


@dataclass(kw_only=True)
class Covered:
    """How many statements and branches there are, and how many of them ran."""

    statements: int = 0
    statements_run: int = 0
    branches: int = 0
    branches_run: int = 0

    def add(self, summary: dict[str, int]) -> None:
        """Add a file's."""
        self.statements += summary["num_statements"]
        self.statements_run += summary["covered_lines"]
        self.branches += summary["num_branches"]
        self.branches_run += summary["covered_branches"]

    @property
    def percent(self) -> float:
        """Return the share of both together, which is what coverage.py compares with the floor."""
        return _percent(self.statements_run + self.branches_run, self.statements + self.branches)

    def cells(self) -> list[str]:
        """Return a row's numbers."""
        return [
            f"{_percent(self.statements_run, self.statements):.1f} %",
            f"{_percent(self.branches_run, self.branches):.1f} %",
            f"{self.branches - self.branches_run} of {self.branches}",
            f"{self.percent:.1f} %",
        ]


def by_folder(files: dict[str, Any]) -> dict[str, Covered]:
    """Sum up the files of coverage.py's JSON report."""
    folders: dict[str, Covered] = defaultdict(Covered)
    for path, file in files.items():
        folders[Path(path).parts[0]].add(file["summary"])
    return dict(sorted(folders.items()))


def total(folders: dict[str, Covered]) -> Covered:
    """Sum up the folders."""
    fields = ("statements", "statements_run", "branches", "branches_run")
    return Covered(**{field: sum(getattr(covered, field) for covered in folders.values()) for field in fields})


def main() -> int:
    """Print the table; 1 when the total is below the floor."""
    measured = Coverage()
    measured.load()
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "coverage.json"
        measured.json_report(outfile=str(report))
        folders = by_folder(json.loads(report.read_text())["files"])
    everything = total(folders)
    table = Table("folder", "statements", "branches", "branches not run", "both", box=box.SIMPLE, show_footer=False)
    for name, covered in folders.items():
        table.add_row(name, *covered.cells())
    table.add_section()
    table.add_row("total", *everything.cells())
    floor = float(str(measured.get_option("report:fail_under")))
    console = Console(width=100)
    console.print(table)
    if everything.percent < floor:
        console.print(f"Coverage is {everything.percent:.2f} %, below the floor of {floor} % in pyproject.toml.")
        return 1
    console.print(f"The floor is {floor} %.")
    return 0


def _percent(part: int, whole: int) -> float:
    return 100 * part / whole if whole else 100.0


if __name__ == "__main__":
    sys.exit(main())
