"""Files that are there when they are whole, and not before."""

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
    device is lent itself: it must not be replaced. Raises OSError.
    """
    target = output.resolve()  # of a link, what it leads to is replaced
    if target.is_dir():
        raise IsADirectoryError(f"{output} is a directory")
    if target.exists() and not stat.S_ISREG(target.stat().st_mode):
        yield target
        return
    beside = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        yield beside
        if target.exists():
            shutil.copymode(target, beside)
        with beside.open("rb") as file:
            os.fsync(file.fileno())
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)
