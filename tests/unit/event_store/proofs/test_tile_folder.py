"""A folder of tiles; another sealer may fill a tile meanwhile."""

import shutil
from pathlib import Path

import pytest

from event_store.proofs import tile_folder
from event_store.proofs.errors import MalformedProof
from event_store.proofs.tile_folder import TileFolder
from event_store.proofs.tile_store import TileStore
from tests.unit.event_store.proofs.tile_store_contract import FULL, TileStoreContract, partial


@pytest.fixture
def folder(tmp_path: Path) -> TileFolder:
    return TileFolder(tmp_path / "log")


def files_of(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


class TestTileFolder(TileStoreContract):
    @pytest.fixture(autouse=True)
    def _in(self, tmp_path: Path) -> None:
        self._folder = tmp_path / "log"

    def store(self) -> TileStore:
        return TileFolder(self._folder)

    def names(self, store: TileStore) -> set[str]:
        assert store.where == str(self._folder)
        return files_of(self._folder)


def test_a_tile_that_is_filled_meanwhile_is_no_error(folder: TileFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    write = tile_folder._write_whole

    def filled_before(path: Path, content: bytes) -> None:
        if path.parent.name == "234.p":
            write(folder.path / FULL.place.path, FULL.content)
            shutil.rmtree(path.parent)
        write(path, content)

    monkeypatch.setattr(tile_folder, "_write_whole", filled_before)
    folder.write([partial(3)])
    assert files_of(folder.path) == {"tile/0/x001/234"}


def test_a_folder_that_is_gone_is_an_error(folder: TileFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(path: Path, _: bytes) -> None:
        raise FileNotFoundError(path)

    monkeypatch.setattr(tile_folder, "_write_whole", gone)
    with pytest.raises(FileNotFoundError):
        folder.write([partial(3)])


def test_an_interrupted_write_leaves_nothing(folder: TileFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_space(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", no_space)
    with pytest.raises(OSError, match="No space"):
        folder.write([partial(3)])
    assert files_of(folder.path) == set()


def test_a_checkpoint_that_is_no_text_is_refused(folder: TileFolder) -> None:
    folder.path.mkdir()
    (folder.path / "checkpoint").write_bytes(b"\xff")
    with pytest.raises(MalformedProof, match="no text"):
        folder.checkpoint()
