"""A tree that grows at its right edge, tile by tile."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256

from event_store.proofs.merkle import perfect_root, perfect_roots, root_of_perfect
from event_store.proofs.tiles import HEIGHT, WIDTH, Bundle, Tile, pack_entries, pack_hashes, width_in

Hashes = Callable[[int, int, int], Sequence[bytes]]
"""level, number, width: the first `width` hashes of a tile."""


@dataclass(frozen=True, kw_only=True, slots=True)
class File:
    """What a tile or a bundle is to hold."""

    place: Tile | Bundle
    content: bytes


class GrowingTree:
    """The tiles at the right edge of a tree, which is all that it takes to go on with it and to know its root."""

    def __init__(self, size: int = 0, hashes: Hashes | None = None) -> None:
        """Begin a tree, or go on with one of a size, of which there are tiles."""
        self.size = size
        self._levels: list[list[bytes]] = [[]]
        if hashes is not None:
            counts = [size >> HEIGHT * level for level in range(max(1, -(-size.bit_length() // HEIGHT)))]
            self._levels = [
                list(hashes(level, count // WIDTH, count % WIDTH)) if count % WIDTH else []
                for level, count in enumerate(counts)
            ]

    def add(self, leaves: Sequence[bytes], full: Callable[[Tile, Sequence[bytes]], None] | None = None) -> None:
        """Add hashes of leaves; `full` is given each tile that is full now."""
        at = 0
        while at < len(leaves):
            fitting = leaves[at : at + WIDTH - len(self._levels[0])]
            self._levels[0] += fitting
            self.size += len(fitting)
            at += len(fitting)
            self._carry(full)

    def root(self) -> bytes:
        """Return its root."""
        return root_of_perfect([root for edge in reversed(self._levels) for root in perfect_roots(edge)])

    def partial_tiles(self) -> list[File]:
        """Return the tiles at its edge that are not full."""
        return [
            File(
                place=Tile(level, (self.size >> HEIGHT * level) // WIDTH, len(edge)),
                content=pack_hashes(edge),
            )
            for level, edge in enumerate(self._levels)
            if edge
        ]

    def _carry(self, full: Callable[[Tile, Sequence[bytes]], None] | None) -> None:
        for level in range(len(self._levels)):
            edge = self._levels[level]
            if len(edge) < WIDTH:
                return
            if full is not None:
                full(Tile(level, (self.size >> HEIGHT * level) // WIDTH - 1), edge)
            if level + 1 == len(self._levels):
                self._levels.append([])
            self._levels[level + 1].append(perfect_root(edge))
            self._levels[level] = []


class TiledTree(GrowingTree):
    """A tree with its entries: gives what has to be written for it."""

    def __init__(self, size: int = 0, hashes: Hashes | None = None, entries: Sequence[bytes] = ()) -> None:
        """Begin a tree, or go on with one: `entries` are those of its last bundle, if that is not full."""
        super().__init__(size, hashes)
        self._entries = list(entries)

    def extend(self, entries: Sequence[bytes]) -> list[File]:
        """Add entries; return the tiles and bundles that are full now."""
        files = list[File]()

        def keep(tile: Tile, hashes: Sequence[bytes]) -> None:
            files.append(File(place=tile, content=pack_hashes(hashes)))
            if tile.level == 0:
                files.append(File(place=Bundle(tile.number), content=pack_entries(self._entries[:WIDTH])))
                del self._entries[:WIDTH]

        for at in range(0, len(entries), WIDTH):
            some = entries[at : at + WIDTH]
            self._entries += some
            self.add([sha256(b"\x00" + entry).digest() for entry in some], keep)
        return files

    def partial(self) -> list[File]:
        """Return the tiles and the bundle at its edge that are not full."""
        if not self._entries:
            return self.partial_tiles()
        bundle = File(place=Bundle(self.size // WIDTH, len(self._entries)), content=pack_entries(self._entries))
        return [*self.partial_tiles(), bundle]


class TileReader:
    """Finds hashes of a tree of a given size in its tiles, each of which is read once."""

    def __init__(self, size: int, hashes: Hashes) -> None:
        self._size = size
        self._hashes = hashes
        self._read: dict[tuple[int, int], Sequence[bytes]] = {}

    def subtree(self, level: int, number: int) -> bytes:
        """Return the hash of the 2**level leaves from number * 2**level on."""
        tile_level, inner = divmod(level, HEIGHT)
        first = number << inner
        tile, offset = divmod(first, WIDTH)
        if (tile_level, tile) not in self._read:
            width = width_in(self._size, tile_level, tile)
            self._read[tile_level, tile] = self._hashes(tile_level, tile, width)
        return perfect_root(self._read[tile_level, tile][offset : offset + (1 << inner)])
