"""Opens a file and splits it into records as RFC 4180 has them, strictly and in constant memory.

Packed by gzip or not; UTF-8, UTF-16 or UTF-32, with a byte order mark or not; the code page of a spreadsheet does too,
since the columns that count are ASCII. Lines end with LF, CRLF or CR. The csv module is of no use here: it reads a file
that ends in the middle as if it were whole, unless it is strict, and then it does not say where.
"""

import codecs
import gzip
import io
import re
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple, TextIO, cast

from consumers.reconciliation.statement.report_file.errors import NotAReport, column_of, refused, refused_at, shown

DOWNLOAD_AGAIN = "download it from Stripe again"
SAVE_AS_CSV = "download it from Stripe as CSV, or save it from the spreadsheet as CSV (UTF-8)"

_LONGEST_RECORD = 1 << 20
_GZIP = b"\x1f\x8b"
_ENCODED: Sequence[tuple[bytes, str]] = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (codecs.BOM_UTF8, "utf-8-sig"),
)
_FOREIGN: Sequence[tuple[bytes, str]] = (
    (b"PK\x03\x04", "is a ZIP archive or an Excel workbook"),
    (b"PK\x05\x06", "is an empty ZIP archive"),
    (b"\xd0\xcf\x11\xe0", "is an Excel workbook"),
    (b"%PDF", "is a PDF document"),
    (b"<", "is a web page or XML, perhaps the page of a login"),
    (b"{", "is JSON"),
    (b"[", "is JSON"),
)
_LONGEST_MARK = 4
_SEPARATORS = (",", ";", "\t")
_DECLARED = re.compile(r'"?sep=([,;\t|])"?', re.IGNORECASE)
"""The first line of some files that Excel opens."""
_QUOTED = re.compile(r'"((?:[^"]|"")*)"')


class Record(NamedTuple):
    """One row of a file: the line on which it begins, counted from 1, and its fields."""

    line: int
    fields: list[str]


@contextmanager
def opened(path: Path, raw: BinaryIO) -> Iterator[TextIO]:
    """Lend the text in a file. Raises NotAReport, then and while it is read."""
    try:
        yield _decoded(path, io.BufferedReader(cast("io.RawIOBase", raw), 1 << 16))
    except EOFError:
        raise refused(path, "is packed and ends in the middle", DOWNLOAD_AGAIN) from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise refused(path, f"is packed and damaged ({error})", DOWNLOAD_AGAIN) from None
    except UnicodeError:
        raise refused(path, "ends or breaks in the middle of a character", DOWNLOAD_AGAIN) from None


def _decoded(path: Path, raw: io.BufferedReader) -> TextIO:
    start = raw.peek(_LONGEST_MARK)
    if start.startswith(_GZIP):
        packed = gzip.GzipFile(fileobj=raw)
        raw = io.BufferedReader(cast("io.RawIOBase", packed), 1 << 16)
        start = raw.peek(_LONGEST_MARK)
        if start.startswith(_GZIP):
            raise refused(path, "is packed twice", "unpack it once: gunzip")
    if not start:
        raise refused(path, "is empty", DOWNLOAD_AGAIN)
    for mark, what in _FOREIGN:
        if start.startswith(mark):
            raise refused(path, what, SAVE_AS_CSV)
    encoding = next((name for mark, name in _ENCODED if start.startswith(mark)), None)
    if encoding is None:
        encoding = _guessed(start)
    # Of a code page or of broken UTF-8, every byte that is no ASCII becomes a character that no value may hold.
    errors = "surrogateescape" if encoding.startswith("utf-8") else "strict"
    return io.TextIOWrapper(raw, encoding=encoding, errors=errors, newline=None)


def _guessed(start: bytes) -> str:
    """Tell UTF-16 without a mark by its zeros: a report begins with ASCII."""
    if start[1:2] == b"\0" and start[:1] != b"\0":
        return "utf-16-le"
    if start[:1] == b"\0" and start[1:2] != b"\0":
        return "utf-16-be"
    return "utf-8"


def records(path: Path, text: TextIO) -> Iterator[Record]:
    """Give the records of a text, the header first. Blank lines are left out.

    Raises NotAReport at the first thing that is not right.
    """
    number = 0
    separator = ""
    while line := text.readline(_LONGEST_RECORD):
        number += 1
        began = number
        _check_line(path, number, line)
        if not separator:
            if not line.strip():
                continue
            if (declared := _DECLARED.fullmatch(line.strip())) is not None:
                separator = declared[1]
                continue
            separator = _separator_of(line)
        if '"' in line:
            is_open = line.count('"') % 2 == 1
            while is_open:
                more = text.readline(_LONGEST_RECORD)
                if not more or len(line) + len(more) > _LONGEST_RECORD:
                    break
                number += 1
                _check_line(path, number, more)
                line += more
                is_open = is_open != (more.count('"') % 2 == 1)
            fields = _split(path, began, line, separator)
        else:
            fields = line.rstrip("\n").split(separator)
        if not line.endswith("\n"):
            raise refused_at(
                path,
                number,
                column_of(len(fields) - 1),
                f"the file ends here, in the middle of a line: {shown(fields[-1])!r} may not be all of it",
                f"{DOWNLOAD_AGAIN}; if nothing is missing, end the last line with a line break",
            )
        if any(field and not field.isspace() for field in fields):
            yield Record(began, fields)


def _separator_of(header: str) -> str:
    """Tell what separates the columns: Stripe writes a comma, spreadsheets what their country has."""
    bare = _QUOTED.sub("", header)
    return max(_SEPARATORS, key=bare.count)


def _check_line(path: Path, number: int, line: str) -> None:
    if "\0" in line:
        raise refused_at(path, number, None, "it has a NUL byte, which is no text", DOWNLOAD_AGAIN)
    if len(line) >= _LONGEST_RECORD:
        raise refused_at(path, number, None, f"it is longer than {_LONGEST_RECORD:,} characters", DOWNLOAD_AGAIN)


def _split(path: Path, number: int, record: str, separator: str) -> list[str]:
    """Split a record with quotes: around a whole field, or twice within one that has quotes around it."""
    record = record.removesuffix("\n")
    fields: list[str] = []
    at = began = 0

    def fault(problem: str) -> NotAReport:
        line, column = number + record.count("\n", 0, began), column_of(len(fields))
        return refused_at(path, line, column, problem, DOWNLOAD_AGAIN)

    while True:
        began = at
        if record.startswith('"', at):
            found = _QUOTED.match(record, at)
            if found is None:
                raise fault("a quote is opened here, and the file ends before it is closed")
            field, at = found[1].replace('""', '"'), found.end()
        else:
            end = record.find(separator, at)
            field = record[at:] if end < 0 else record[at:end]
            at += len(field)
            if '"' in field:
                raise fault("there is a quote in the middle of a field")
        if at < len(record) and record[at] != separator:
            raise fault("a quote is opened here, and not closed where the field ends")
        fields.append(field)
        if at == len(record):
            return fields
        at += 1
