"""Tiles: their places, their contents, and the tree that they make."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from event_store.proofs.errors import MalformedProof
from event_store.proofs.merkle import inclusion_proof, leaf_hash, verify_inclusion
from event_store.proofs.tiles import (
    Bundle,
    Tile,
    numbered,
    pack_entries,
    pack_hashes,
    partial_tiles,
    unpack_entries,
    unpack_hashes,
    width_in,
)
from event_store.proofs.tree import File, TiledTree, TileReader
from tests.unit.event_store.proofs.test_merkle import Leaves


class Files:
    """Tiles and bundles in memory."""

    def __init__(self) -> None:
        self.content: dict[str, bytes] = {}

    def put(self, files: list[File]) -> None:
        self.content |= {each.place.path: each.content for each in files}

    def hashes(self, level: int, number: int, width: int) -> list[bytes]:
        return unpack_hashes(self.content[Tile(level, number, width).path], width=width)

    def entries(self, number: int, width: int) -> list[bytes]:
        return unpack_entries(self.content[Bundle(number, width).path], width=width)


def entries_of(size: int) -> list[bytes]:
    return [b"%d" % each for each in range(size)]


def test_paths_are_those_of_the_specification() -> None:
    assert Tile(0, 1234067).path == "tile/0/x001/x234/067"
    assert Tile(2, 0, 1).path == "tile/2/000.p/1"
    assert Bundle(273, 112).path == "tile/entries/273.p/112"
    assert numbered(1000, 256) == "x001/000"


def test_partial_tiles_are_those_of_the_specification() -> None:
    assert partial_tiles(70_000) == [Tile(0, 273, 112), Tile(1, 1, 17), Tile(2, 0, 1)]
    assert partial_tiles(256) == [Tile(1, 0, 1)]
    assert partial_tiles(0) == []
    assert [width_in(70_000, 0, each) for each in (272, 273, 274)] == [256, 112, 0]


@pytest.mark.parametrize("size", [0, 1, 2, 255, 256, 257, 511, 512, 700, 65_536, 65_537])
def test_a_tree_of_tiles_has_the_root_of_the_definition(size: int) -> None:
    tree = TiledTree()
    tree.extend(entries_of(size))
    assert tree.root() == Leaves(size).root()
    assert [each.place for each in tree.partial_tiles()] == partial_tiles(size)


@given(st.lists(st.integers(1, 400), min_size=1, max_size=6))
def test_a_tree_goes_on_from_its_files(steps: list[int]) -> None:
    files, size = Files(), 0
    for step in steps:
        last = files.entries(size // 256, size % 256) if size % 256 else ()
        tree = TiledTree(size, files.hashes, last)
        size += step
        files.put(tree.extend(entries_of(size)[-step:]))
        files.put(tree.partial())
        assert tree.root() == Leaves(size).root()
    read = [entry for number in range(-(-size // 256)) for entry in files.entries(number, width_in(size, 0, number))]
    assert read == entries_of(size)


@given(st.integers(1, 1500), st.data())
def test_proofs_are_made_from_tiles(size: int, data: st.DataObject) -> None:
    files, tree = Files(), TiledTree()
    files.put(tree.extend(entries_of(size)))
    files.put(tree.partial())
    index = data.draw(st.integers(0, size - 1))
    reader = TileReader(size, files.hashes)
    proof = inclusion_proof(index, size, reader.subtree)
    verify_inclusion(index, size, leaf_hash(b"%d" % index), proof, tree.root())


@given(st.lists(st.binary(max_size=40), max_size=256))
def test_a_bundle_is_read_as_it_was_written(entries: list[bytes]) -> None:
    assert unpack_entries(pack_entries(entries), width=len(entries)) == entries


def test_a_bundle_or_tile_that_was_cut_is_malformed() -> None:
    whole = pack_entries([b"one", b"two"])
    assert whole == b"\x00\x03one\x00\x03two"
    for cut in range(1, len(whole)):
        with pytest.raises(MalformedProof):
            unpack_entries(whole[:-cut], width=2)
    with pytest.raises(MalformedProof, match="of 3 entries has 2"):
        unpack_entries(whole, width=3)
    with pytest.raises(MalformedProof, match="has 31 bytes"):
        unpack_hashes(pack_hashes([bytes(31)]), width=1)
    with pytest.raises(ValueError, match="too long"):
        pack_entries([bytes(65_536)])
