"""Files that are there when they are whole, and not before."""

import errno
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole_file(output: Path) -> Iterator[Path]:
    """Lend a place beside a file; what is written there becomes the file when the block ends well.

    Until then, and also if the block fails or the process is killed, one that was there stays as it was. A pipe or a
    device is lent itself: it must not be replaced. Raises OSError, which names the file as it was given.
    """
    target = output.resolve()  # of a link, what it leads to is replaced
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(output))
    if target.exists() and not stat.S_ISREG(target.stat().st_mode):
        with _named(output, target):
            yield target
        return
    beside = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        with _named(output, beside):
            yield beside
            if target.exists():
                shutil.copymode(target, beside)
            with beside.open("rb") as file:
                os.fsync(file.fileno())
            beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)


@contextmanager
def _named(output: Path, lent: Path) -> Iterator[None]:
    """Have an error of the place that was lent name the file; that of a write names none by itself."""
    try:
        yield
    except OSError as error:
        if error.errno is not None and error.filename in {None, str(lent)}:
            error.filename, error.filename2 = str(output), None
        raise
