"""Measures rows of the table and prints them, as a table and on request as JSON.

    python -m tests.load.bench [ROW ...] [--short] [--broker apache] [--json FILE]

Without names all rows are measured, which takes some 15 minutes; on a machine that does nothing else.
"""

import argparse
import asyncio
import json
import platform
import tempfile
from collections.abc import Sequence
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

from tests.load.bench import append, archive, claims, http, log, privacy, rebuild, system
from tests.load.bench.measurement import Context, Result, Row, measured
from tests.support.brokers import APACHE, EMBEDDED, use_broker
from tests.support.prepared_home import share

ROWS: Sequence[Row] = (
    *append.ROWS,
    *archive.ROWS,
    *http.ROWS,
    *system.ROWS,
    *log.ROWS,
    *claims.ROWS,
    *rebuild.ROWS,
    *privacy.ROWS,
)
_GB = 1_000_000_000


def main() -> None:
    """Measure what the arguments name."""
    options = _options()
    chosen = [row for row in ROWS if not options.rows or row.name in options.rows]
    use_broker(options.broker)
    console, results = Console(), []
    for row in chosen:
        with tempfile.TemporaryDirectory(prefix="paystream-bench-") as made:
            folder = Path(made)
            folder.chmod(0o755)  # PostgreSQL may run as another user
            share(folder)
            console.print(f"{row.name}: {row.title}")
            results.append(asyncio.run(measured(row, Context(folder=folder, short=options.short))))
            _print_details(console, results[-1])
    _print(console, results)
    if options.json:
        found = {"machine": machine(), "broker": options.broker, "rows": [result.as_json() for result in results]}
        options.json.write_text(json.dumps(found, indent=2) + "\n")


def machine() -> dict[str, object]:
    """Say what was measured on."""
    return {
        "cores": psutil.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / _GB),
        "python": platform.python_version(),
        "system": platform.system(),
        "architecture": platform.machine(),
    }


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("rows", nargs="*", metavar="ROW", help=", ".join(row.name for row in ROWS))
    parser.add_argument("--short", action="store_true", help="one short round each: shows that it works, no more")
    parser.add_argument("--broker", choices=(EMBEDDED, APACHE), default=EMBEDDED)
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    if unknown := set(options.rows) - {row.name for row in ROWS}:
        parser.error(f"there is no row {', '.join(sorted(unknown))}")
    return options


def _print_details(console: Console, result: Result) -> None:
    for sample in result.samples:
        if sample.details:
            console.print("   ", ", ".join(f"{name} {value:,.1f}" for name, value in sample.details.items()))


def _print(console: Console, results: Sequence[Result]) -> None:
    table = Table("row", "median", "least", "most", "unit", "limit", "of limit", "goal", "met")
    for found in (result.as_json() for result in results):
        limit, reached = found["limit_median"], found["reached"]
        table.add_row(
            str(found["row"]),
            *(f"{found[name]:,.1f}" for name in ("median", "least", "most")),
            str(found["unit"]),
            f"{limit:,.1f}" if limit is not None else "",
            f"{reached:.2f}" if limit is not None else "",
            str(found["goal"]),
            "yes" if found["met"] else "no",
        )
    console.print(table)


if __name__ == "__main__":
    main()
