"""Why a file is refused."""

from pathlib import Path

_LONGEST = 60
_FIRST_BYTE = 0xDC80


class NotAReport(Exception):
    """A file that is none of the reports, or has a row that cannot be read; the text is for people."""


def refused(path: Path, problem: str, remedy: str) -> NotAReport:
    """Refuse a file as a whole."""
    return NotAReport(f"{shown(path.name)} {problem}. Remedy: {remedy}")


def refused_at(path: Path, line: int, column: str | None, problem: str, remedy: str) -> NotAReport:
    """Refuse a file for what stands at a place. `column` is as `column_of` gives it; None: the line as a whole."""
    place = f"line {line}" if column is None else f"line {line}, {column}"
    return NotAReport(f"{shown(path.name)}, {place}: {problem}. Remedy: {remedy}")


def column_of(index: int, name: str | None = None) -> str:
    """Name a column by its number, the first being 1, and by its name where that is known."""
    return f"column {index + 1}" if name is None else f"column {index + 1} ({shown(name)})"


def shown(text: str) -> str:
    """Return a value of a file so that it does nothing to a terminal, and not all of it if it is long."""
    cut = text if len(text) <= _LONGEST else text[:_LONGEST] + f"... ({len(text)} characters)"
    return "".join(each if each.isprintable() else _escaped(ord(each)) for each in cut)


def _escaped(code: int) -> str:
    """Return a character as Python writes it; one that stands for a byte that is no text (PEP 383) as that byte."""
    if _FIRST_BYTE <= code < _FIRST_BYTE + 0x80:
        return f"\\x{code - _FIRST_BYTE + 0x80:02x}"
    return chr(code).encode("unicode_escape").decode()
