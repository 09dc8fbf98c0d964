"""Where the files of a log are: tiles, bundles and the newest checkpoint.

Tiles and bundles are written once, whole, and before the checkpoint that needs them. When one is full the partial ones
are removed, as https://c2sp.org/tlog-tiles allows. A folder and a bucket differ in how one file is read and written.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import PurePosixPath
from typing import TypeVar

from event_store.proofs.errors import MalformedProof, TileDiffers, TileMissing
from event_store.proofs.tiles import WIDTH, Bundle, Tile, numbered, unpack_entries, unpack_hashes
from event_store.proofs.tree import File

_CHECKPOINT = "checkpoint"
_WRITERS = 8  # they wait for the disk, or for the network
T = TypeVar("T")


class TileStore(ABC):
    """Reads and writes the files of one log. Its methods block, and raise OSError or TileStoreFailed besides."""

    where: str
    """What errors call it."""

    def write(self, files: Sequence[File]) -> None:
        """Write tiles and bundles: they last when this returns. Raises TileDiffers."""
        folders = {str(PurePosixPath(each.place.path).parent) for each in files}
        self._prepare(folders)
        with ThreadPoolExecutor(min(_WRITERS, len(files) or 1)) as writers:
            list(writers.map(self._write_once, files))
            list(writers.map(self._make_durable, folders))
        for each in files:
            if each.place.width == WIDTH:
                self._remove_folder(f"{each.place.path}.p")

    def publish(self, checkpoint: str) -> None:
        """Make a checkpoint the newest."""
        self._replace(_CHECKPOINT, checkpoint.encode())

    def checkpoint(self) -> str | None:
        """Return the newest checkpoint. Raises MalformedProof when it is no text."""
        content = self._read(_CHECKPOINT)
        try:
            return None if content is None else content.decode()
        except UnicodeDecodeError:
            raise MalformedProof("the checkpoint is no text") from None

    def hashes(self, level: int, number: int, width: int) -> list[bytes]:
        """Return the first hashes of a tile. Raises TileMissing or MalformedProof."""
        return self._first(f"tile/{level}", number, width, unpack_hashes)

    def entries(self, number: int, width: int) -> list[bytes]:
        """Return the first entries of a bundle. Raises as `hashes` does."""
        return self._first("tile/entries", number, width, unpack_entries)

    def content(self, place: Tile | Bundle) -> bytes | None:
        """Return what is at a place; None: nothing."""
        return self._read(place.path)

    def _first(self, folder: str, number: int, width: int, unpack: Callable[..., list[T]]) -> list[T]:
        """Read the partial file of this width, or a wider one, or the full one: the beginnings of all are the same."""
        for wide in self._widths(f"{folder}/{numbered(number, WIDTH)}.p", width):
            path = f"{folder}/{numbered(number, wide)}"
            content = self._read(path)
            if content is None:
                continue
            try:
                return unpack(content, width=wide)[:width]
            except MalformedProof as error:
                raise MalformedProof(f"{path}: {error}") from None
        raise TileMissing(f"{self.where} lacks {folder}/{numbered(number, width)}")

    def _widths(self, partial: str, width: int) -> Iterable[int]:
        yield width
        yield WIDTH
        yield from sorted(int(name) for name in self._names(partial) if name.isdecimal() and int(name) > width)

    def _write_once(self, file: File) -> None:
        """Write a file, unless it is there, alone or as the beginning of the full one. Raises TileDiffers."""
        path, full = file.place.path, replace(file.place, width=WIDTH).path
        if path != full and self._begins(full, file):
            return
        if self._create(path, file.content):
            return
        found = self._read(path)
        if found is None and self._begins(
            full, file
        ):  # another sealer has filled the tile, and removed the partial ones
            return
        if found != file.content:
            raise self._differs(path)

    def _begins(self, full: str, file: File) -> bool:
        found = self._read(full)
        if found is not None and not found.startswith(file.content):
            raise self._differs(full)
        return found is not None

    def _differs(self, path: str) -> TileDiffers:
        return TileDiffers(f"{path} is in {self.where}, with another content than this log has")

    @abstractmethod
    def _read(self, path: str) -> bytes | None:
        """Return what is in a file; None: it is not there."""

    @abstractmethod
    def _create(self, path: str, content: bytes) -> bool:
        """Write a file, whole; False: there is one already, or another sealer has filled the tile."""

    @abstractmethod
    def _replace(self, path: str, content: bytes) -> None:
        """Write a file, whole and lasting, in the place of the one that is there."""

    @abstractmethod
    def _names(self, folder: str) -> Iterable[str]:
        """Return the names of the files in a folder; none when there is no such folder."""

    @abstractmethod
    def _remove_folder(self, folder: str) -> None:
        """Remove a folder with its files, if that can be done: nobody needs them."""

    @abstractmethod
    def _prepare(self, folders: Collection[str]) -> None:
        """Be ready for files in these folders."""

    @abstractmethod
    def _make_durable(self, folder: str) -> None:
        """See to it that what was written there lasts."""
