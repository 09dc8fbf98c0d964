"""A row that differs, as people read it."""

from infra.cli.output import json_text, printable
from projections.row_differences import RowDifference


def difference_text(found: RowDifference) -> str:
    """Return where it is, and what is there instead of what should be."""
    key = ", ".join(f"{name} {value}" for name, value in found.key.items())
    where = printable(f"{found.table}, {key}")
    if found.actual is None:
        return f"{where}: the read model has no such row"
    if found.expected is None:
        return f"{where}: no event makes such a row"
    pairs = (
        f"{name} is {json_text(found.actual[name])}, not {json_text(value)}" for name, value in found.expected.items()
    )
    return printable(f"{where}: {'; '.join(pairs)}")
