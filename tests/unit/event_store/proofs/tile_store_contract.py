"""What every `TileStore` must do, in a folder or in a bucket."""

from abc import ABC, abstractmethod

import pytest

from event_store.proofs.errors import MalformedProof, TileDiffers, TileMissing
from event_store.proofs.tile_store import TileStore
from event_store.proofs.tiles import Bundle, Tile, pack_entries
from event_store.proofs.tree import File

HASHES = [bytes([each]) * 32 for each in range(256)]
FULL = File(place=Tile(0, 1234), content=b"".join(HASHES))


def partial(width: int) -> File:
    return File(place=Tile(0, 1234, width), content=b"".join(HASHES[:width]))


class TileStoreContract(ABC):
    @abstractmethod
    def store(self) -> TileStore:
        """Return an empty one."""

    @abstractmethod
    def names(self, store: TileStore) -> set[str]:
        """Return the paths of all its files."""

    def test_an_empty_one_has_nothing(self) -> None:
        store = self.store()
        assert store.checkpoint() is None
        assert store.content(FULL.place) is None
        with pytest.raises(TileMissing, match="lacks tile/0/x001/234"):
            store.hashes(0, 1234, 4)
        assert self.names(store) == set()

    def test_the_same_again_changes_nothing(self) -> None:
        store = self.store()
        store.write([partial(3), partial(5)])
        store.write([partial(3)])
        assert self.names(store) == {"tile/0/x001/234.p/3", "tile/0/x001/234.p/5"}
        assert store.hashes(0, 1234, 4) == HASHES[:4]
        with pytest.raises(TileMissing):
            store.hashes(0, 1234, 6)

    def test_a_full_tile_stands_for_its_partial_ones(self) -> None:
        store = self.store()
        store.write([partial(3)])
        store.write([FULL])
        store.write([partial(5)])
        assert self.names(store) == {"tile/0/x001/234"}
        assert store.hashes(0, 1234, 3) == HASHES[:3]

    @pytest.mark.parametrize("there", [partial(3), FULL], ids=["partial", "full"])
    def test_what_is_there_is_never_overwritten(self, there: File) -> None:
        store = self.store()
        store.write([there])
        with pytest.raises(TileDiffers):
            store.write([File(place=Tile(0, 1234, 3), content=bytes(96))])
        with pytest.raises(TileDiffers):
            store.write([File(place=there.place, content=there.content[:-1])])
        assert store.content(there.place) == there.content

    def test_bundles_are_kept_beside_tiles(self) -> None:
        store, entries = self.store(), [b"one", b"", b"three"]
        store.write([partial(3), File(place=Bundle(1234, 3), content=pack_entries(entries))])
        assert store.entries(1234, 2) == entries[:2]
        assert self.names(store) == {"tile/0/x001/234.p/3", "tile/entries/x001/234.p/3"}

    def test_a_tile_of_another_length_is_named(self) -> None:
        store = self.store()
        store.write([File(place=Tile(0, 1234, 3), content=bytes(95))])
        with pytest.raises(MalformedProof, match=r"tile/0/x001/234\.p/3: "):
            store.hashes(0, 1234, 3)

    def test_the_newest_checkpoint_takes_the_place_of_the_one_before(self) -> None:
        store = self.store()
        store.publish("one\n\n— é\n")
        store.publish("two\n\n— é\n")
        assert store.checkpoint() == "two\n\n— é\n"
        assert self.names(store) == {"checkpoint"}

    def test_many_files_are_written_at_once(self) -> None:
        store = self.store()
        files = [File(place=Tile(0, number), content=FULL.content) for number in range(40)]
        store.write(files)
        assert all(store.content(each.place) == each.content for each in files)
