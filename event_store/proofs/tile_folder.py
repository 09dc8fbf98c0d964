"""The folder of a log: tiles, bundles and the newest checkpoint, where any web server can serve them.

Tiles and bundles are written once, whole, and before the checkpoint that needs them. When one is full the partial ones
are removed, as https://c2sp.org/tlog-tiles allows.
"""

import os
import secrets
import shutil
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from event_store.proofs.errors import MalformedProof, TileDiffers, TileMissing
from event_store.proofs.tiles import WIDTH, Bundle, Tile, numbered, unpack_entries, unpack_hashes
from event_store.proofs.tree import File

_CHECKPOINT = "checkpoint"
_WRITERS = 8  # they wait for the disk
T = TypeVar("T")


class TileFolder:
    """Reads and writes the files of one log. Its methods block."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, files: Sequence[File]) -> None:
        """Write tiles and bundles, on the disk when this returns. Raises TileDiffers or OSError."""
        folders = {(self.path / each.place.path).parent for each in files}
        for folder in folders:
            folder.mkdir(parents=True, exist_ok=True)
        with ThreadPoolExecutor(min(_WRITERS, len(files) or 1)) as writers:
            list(writers.map(self._write_once, files))
            list(writers.map(_sync, folders))
        for each in files:
            if each.place.width == WIDTH:
                shutil.rmtree(self.path / f"{each.place.path}.p", ignore_errors=True)

    def publish(self, checkpoint: str) -> None:
        """Make a checkpoint the newest. Raises OSError."""
        self.path.mkdir(parents=True, exist_ok=True)
        _write_whole(self.path / _CHECKPOINT, checkpoint.encode())
        _sync(self.path)

    def checkpoint(self) -> str | None:
        """Return the newest checkpoint. Raises OSError, or MalformedProof when it is no text."""
        try:
            return (self.path / _CHECKPOINT).read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        except UnicodeDecodeError:
            raise MalformedProof("the checkpoint is no text") from None

    def hashes(self, level: int, number: int, width: int) -> list[bytes]:
        """Return the first hashes of a tile. Raises TileMissing, MalformedProof or OSError."""
        return self._first(f"tile/{level}", number, width, unpack_hashes)

    def entries(self, number: int, width: int) -> list[bytes]:
        """Return the first entries of a bundle. Raises as `hashes` does."""
        return self._first("tile/entries", number, width, unpack_entries)

    def content(self, place: Tile | Bundle) -> bytes | None:
        """Return what is at a place; None: nothing. Raises OSError."""
        try:
            return (self.path / place.path).read_bytes()
        except FileNotFoundError:
            return None

    def _first(self, folder: str, number: int, width: int, unpack: Callable[..., list[T]]) -> list[T]:
        """Read the partial file of this width, or a wider one, or the full one: the beginnings of all are the same."""
        full = self.path / folder / numbered(number, WIDTH)
        for wide in self._widths(full, width):
            path = full if wide == WIDTH else self.path / folder / numbered(number, wide)
            try:
                return unpack(path.read_bytes(), width=wide)[:width]
            except FileNotFoundError:
                continue
            except MalformedProof as error:
                raise MalformedProof(f"{path.relative_to(self.path)}: {error}") from None
        raise TileMissing(f"{self.path} lacks {folder}/{numbered(number, width)}")

    def _widths(self, full: Path, width: int) -> Iterable[int]:
        yield width
        yield WIDTH
        partial = full.with_name(f"{full.name}.p")
        names = [each.name for each in partial.iterdir()] if partial.is_dir() else []
        yield from sorted(int(name) for name in names if name.isdecimal() and int(name) > width)

    def _write_once(self, file: File) -> None:
        path = self.path / file.place.path
        if self._is_there(path, file):
            return
        try:
            _write_whole(path, file.content)
        except FileNotFoundError:  # another sealer has filled the tile, and removed the folder of its partial ones
            if not self._is_there(path, file):
                raise

    def _is_there(self, path: Path, file: File) -> bool:
        """Return whether it is written, alone or as the beginning of the full one. Raises TileDiffers."""
        full = path.parent.with_suffix("") if file.place.width < WIDTH else path
        for place in (path, full):
            try:
                found = place.read_bytes()
            except FileNotFoundError:
                continue
            if found != file.content and (place == path or not found.startswith(file.content)):
                raise TileDiffers(f"{place} is there, with another content than this log has")
            return True
        return False


def _write_whole(path: Path, content: bytes) -> None:
    # Sealers on other machines may write here too: the id of a process is no name of its own.
    beside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with beside.open("wb") as written:
            written.write(content)
            written.flush()
            os.fsync(written.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _sync(folder: Path) -> None:
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except FileNotFoundError:  # removed by another sealer, as above
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
