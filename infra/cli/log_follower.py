"""Reads what is added to log files."""

import os
from collections.abc import Iterable
from pathlib import Path

_READ_AT_MOST_BYTES = 1024 * 1024


class Follower:
    """Reads the lines that are added to some files after it was made; a file may be missing, or replaced."""

    def __init__(self, paths: Iterable[Path]) -> None:
        self._offsets = {path: _size(path) for path in paths}

    def new_lines(self) -> list[str]:
        """Return the whole lines added since the last call, file by file.

        If a file has more than 1 MiB, the older part is skipped.
        """
        lines = []
        for path, offset in self._offsets.items():
            added, self._offsets[path] = _read(path, offset)
            # Not splitlines(): JSON may hold other line ends (U+2028, U+0085) as they are.
            lines += added.decode(errors="replace").split("\n")[:-1]
        return lines


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _read(path: Path, offset: int) -> tuple[bytes, int]:
    """Return what follows `offset` up to the last end of a line, and the offset after it."""
    size = _size(path)
    if size < offset:  # replaced by a new file
        offset = 0
    if size == offset:
        return b"", offset
    start = max(offset, size - _READ_AT_MOST_BYTES)
    try:
        with path.open("rb") as file:
            file.seek(start, os.SEEK_SET)
            added = file.read(size - start)
    except OSError:
        return b"", offset
    end = added.rfind(b"\n") + 1
    return added[:end], start + end
