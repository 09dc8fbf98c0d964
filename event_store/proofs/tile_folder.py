"""The files of a log in a folder, where any web server can serve them."""

import os
import secrets
import shutil
from collections.abc import Collection, Iterable
from pathlib import Path

from event_store.proofs.tile_store import TileStore


class TileFolder(TileStore):
    """Keeps the files of one log below `path`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.where = str(path)

    def _read(self, path: str) -> bytes | None:
        try:
            return (self.path / path).read_bytes()
        except FileNotFoundError:
            return None

    def _create(self, path: str, content: bytes) -> bool:
        file = self.path / path
        if file.exists():
            return False
        try:
            _write_whole(file, content)
        except FileNotFoundError:  # another sealer has filled the tile, and removed the folder of its partial ones
            if not file.parent.with_suffix("").is_file():
                raise
            return False
        return True

    def _replace(self, path: str, content: bytes) -> None:
        file = self.path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        _write_whole(file, content)
        _sync(file.parent)

    def _names(self, folder: str) -> Iterable[str]:
        try:
            return [each.name for each in (self.path / folder).iterdir()]
        except FileNotFoundError:
            return ()

    def _remove_folder(self, folder: str) -> None:
        shutil.rmtree(self.path / folder, ignore_errors=True)

    def _prepare(self, folders: Collection[str]) -> None:
        for each in folders:
            (self.path / each).mkdir(parents=True, exist_ok=True)

    def _make_durable(self, folder: str) -> None:
        _sync(self.path / folder)


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
