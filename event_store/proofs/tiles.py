"""Tiles and entry bundles: where they are, and how they are written. https://c2sp.org/tlog-tiles."""

from collections.abc import Sequence
from dataclasses import dataclass

from event_store.proofs.errors import MalformedProof
from event_store.proofs.merkle import HASH_BYTES

HEIGHT = 8
WIDTH = 1 << HEIGHT
_LONGEST_ENTRY = 0xFFFF
_LENGTH_BYTES = 2


@dataclass(frozen=True, slots=True)
class Tile:
    """A run of neighbouring hashes, `width` of them. At level 0 hashes of leaves, above those of full tiles below."""

    level: int
    number: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """Return where it is, below the folder of the log."""
        return f"tile/{self.level}/{numbered(self.number, self.width)}"


@dataclass(frozen=True, slots=True)
class Bundle:
    """The entries of a tile of level 0."""

    number: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """Return where it is, below the folder of the log."""
        return f"tile/entries/{numbered(self.number, self.width)}"


def numbered(number: int, width: int) -> str:
    """Return a number as elements of a path, three digits each; with the width if it is less than full."""
    digits = f"{number:03d}"
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    path = "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])
    return path if width == WIDTH else f"{path}.p/{width}"


def width_in(size: int, level: int, number: int) -> int:
    """Return how many hashes a tile has in a tree of this size; 0: it is not there."""
    return max(0, min(WIDTH, (size >> HEIGHT * level) - number * WIDTH))


def partial_tiles(size: int) -> list[Tile]:
    """Return the partial tiles of a tree, from level 0 up."""
    levels = range(size.bit_length() // HEIGHT + 1)
    widths = ((level, size >> HEIGHT * level) for level in levels)
    return [Tile(level, count // WIDTH, count % WIDTH) for level, count in widths if count % WIDTH]


def pack_hashes(hashes: Sequence[bytes]) -> bytes:
    """Return a tile's content."""
    return b"".join(hashes)


def unpack_hashes(content: bytes, *, width: int) -> list[bytes]:
    """Return the hashes of a tile's content. Raises MalformedProof."""
    if len(content) != width * HASH_BYTES:
        raise MalformedProof(f"a tile of {width} hashes has {len(content)} bytes")
    return [content[at : at + HASH_BYTES] for at in range(0, len(content), HASH_BYTES)]


def pack_entries(entries: Sequence[bytes]) -> bytes:
    """Return a bundle's content. Raises ValueError for an entry of 64 KiB or more."""
    if any(len(entry) > _LONGEST_ENTRY for entry in entries):
        raise ValueError("an entry is too long for a bundle")
    return b"".join(len(entry).to_bytes(_LENGTH_BYTES, "big") + entry for entry in entries)


def unpack_entries(content: bytes, *, width: int) -> list[bytes]:
    """Return the entries of a bundle's content. Raises MalformedProof."""
    entries, at = list[bytes](), 0
    while at < len(content):
        start = at + _LENGTH_BYTES
        at = start + int.from_bytes(content[at:start], "big")
        entries.append(content[start:at])
        if start > len(content) or at > len(content):
            raise MalformedProof("a bundle of entries is cut short")
    if len(entries) != width:
        raise MalformedProof(f"a bundle of {width} entries has {len(entries)}")
    return entries
