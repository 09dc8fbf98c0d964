"""Files of a log are written once, and another sealer may fill a tile meanwhile."""

import shutil
from pathlib import Path

import pytest

from event_store.proofs import tile_folder
from event_store.proofs.errors import TileDiffers, TileMissing
from event_store.proofs.tile_folder import TileFolder
from event_store.proofs.tiles import Tile
from event_store.proofs.tree import File

HASHES = [bytes([each]) * 32 for each in range(256)]
FULL = File(place=Tile(0, 1234), content=b"".join(HASHES))


def partial(width: int) -> File:
    return File(place=Tile(0, 1234, width), content=b"".join(HASHES[:width]))


@pytest.fixture
def folder(tmp_path: Path) -> TileFolder:
    return TileFolder(tmp_path / "log")


def files_of(folder: TileFolder) -> set[str]:
    return {str(path.relative_to(folder.path)) for path in folder.path.rglob("*") if path.is_file()}


def test_the_same_again_changes_nothing(folder: TileFolder) -> None:
    folder.write([partial(3), partial(5)])
    folder.write([partial(3)])
    assert files_of(folder) == {"tile/0/x001/234.p/3", "tile/0/x001/234.p/5"}
    assert folder.hashes(0, 1234, 4) == HASHES[:4]
    with pytest.raises(TileMissing):
        folder.hashes(0, 1234, 6)


def test_a_full_tile_stands_for_its_partial_ones(folder: TileFolder) -> None:
    folder.write([partial(3)])
    folder.write([FULL])
    folder.write([partial(5)])
    assert files_of(folder) == {"tile/0/x001/234"}
    assert folder.hashes(0, 1234, 3) == HASHES[:3]


@pytest.mark.parametrize("there", [partial(3), FULL])
def test_what_is_there_is_never_overwritten(folder: TileFolder, there: File) -> None:
    folder.write([there])
    with pytest.raises(TileDiffers):
        folder.write([File(place=Tile(0, 1234, 3), content=bytes(96))])
    with pytest.raises(TileDiffers):
        folder.write([File(place=there.place, content=there.content[:-1])])
    assert folder.content(there.place) == there.content


def test_a_tile_that_is_filled_meanwhile_is_no_error(folder: TileFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    write = tile_folder._write_whole

    def filled_before(path: Path, content: bytes) -> None:
        if path.parent.name == "234.p":
            write(folder.path / FULL.place.path, FULL.content)
            shutil.rmtree(path.parent)
        write(path, content)

    monkeypatch.setattr(tile_folder, "_write_whole", filled_before)
    folder.write([partial(3)])
    assert files_of(folder) == {"tile/0/x001/234"}


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
    assert files_of(folder) == set()
