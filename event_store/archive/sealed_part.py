"""What was sealed of a part of the log, and whether a file is that."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from uuid import UUID

from event_store.archive.archives import SQL
from event_store.archive.errors import ArchiveDiffers
from event_store.archive.events_file import EventsFile
from event_store.archive.policy import LEAVES
from event_store.proofs.checkpoint import open_checkpoint
from event_store.proofs.errors import ProofRefused
from event_store.proofs.merkle import leaf_hash
from event_store.proofs.note import PublicKey
from event_store.proofs.places import first_index_from
from event_store.proofs.statement import entry_as_found
from event_store.proofs.tile_store import TileStore
from event_store.proofs.tiles import WIDTH, width_in
from event_store.proofs.tree import GrowingTree
from event_store.store import Connection
from schemas.topics import partition_of, topic_of


@dataclass(frozen=True, kw_only=True, slots=True)
class Range:
    """Positions from `first` up to before `until`: those of a partition of the log."""

    partition: str
    first: int
    until: int

    @property
    def name(self) -> str:
        """The name of its archive."""
        return f"{self.first:020}-{self.until - 1:020}"


@dataclass(frozen=True, kw_only=True, slots=True)
class SealedPart:
    """A part in the tree of a signed checkpoint: `count` events from `first_index` on, of `size` in all."""

    positions: Range
    first_index: int
    count: int
    size: int
    root: bytes
    checkpoint: str


@dataclass(kw_only=True, slots=True)
class Contents:
    """What a file was found to have."""

    events: int = 0
    kept: int = 0
    last_left: dict[tuple[str, int], int] = field(default_factory=dict)
    """By topic and partition, the last position of what leaves the log."""


async def sealed_part(
    connection: Connection, positions: Range, tiles: TileStore, keys: Sequence[PublicKey]
) -> SealedPart | None:
    """Return what was sealed of a part; None: not all of it is. Raises ProofError or OSError."""
    found = await (await connection.execute(SQL.sealed_behind, {"until": positions.until})).fetchone()
    if found is None:
        return None
    size, root, _, note = found
    checkpoint = open_checkpoint(note, keys)
    if (checkpoint.size, checkpoint.root) != (size, bytes(root)):
        raise ProofRefused(f"the table has another size or root than was signed at {checkpoint.size}")
    first = first_index_from(tiles, size, positions.first)
    return SealedPart(
        positions=positions,
        first_index=first,
        count=first_index_from(tiles, size, positions.until) - first,
        size=size,
        root=checkpoint.root,
        checkpoint=note,
    )


def verify(file: EventsFile, part: SealedPart, tiles: TileStore, *, partitions: int) -> Contents:
    """Read a file, and compare each event with its leaf, and all with the signed root. Blocks.

    `partitions`: of the topics. Raises ArchiveDiffers, and what `TileStore` raises.
    """
    if file.events != part.count:
        raise ArchiveDiffers(f"{file.path} has {file.events} events, and {part.count} were sealed")
    contents, sealed = Contents(), _leaves(tiles, part.size, part.first_index)
    tree = GrowingTree(part.first_index // WIDTH * WIDTH, tiles.hashes if part.first_index >= WIDTH else None)
    tree.add(_some(_leaves(tiles, part.size, tree.size), part.first_index - tree.size))
    position = part.positions.first - 1
    for rows, indexes in file.groups():
        hashes = [leaf_hash(entry_as_found(row)) for row in rows]
        for row, index, found, expected in zip(rows, indexes, hashes, _some(sealed, len(rows)), strict=True):
            if found != expected or index != part.first_index + contents.events:
                raise ArchiveDiffers(f"{file.path}: the event at position {row[0]} is not what was sealed there")
            if not position < row[0] < part.positions.until:
                raise ArchiveDiffers(f"{file.path}: the event at position {row[0]} is not of this part of the log")
            position = row[0]
            contents.events += 1
            if row[4] in LEAVES:
                place = topic_of(row[4]), partition_of(UUID(row[2]), partitions)
                contents.last_left[place] = position
            else:
                contents.kept += 1
        tree.add(hashes)
    tree.add(_some(sealed, part.size - tree.size))
    if tree.root() != part.root:
        raise ArchiveDiffers(f"{tiles.where} is not of the checkpoint that was signed. See: paystream audit verify")
    return contents


def _leaves(tiles: TileStore, size: int, index: int) -> Iterator[bytes]:
    """Give the hashes of the leaves from an index on."""
    for number in range(index // WIDTH, -(-size // WIDTH)):
        yield from tiles.hashes(0, number, width_in(size, 0, number))[max(0, index - number * WIDTH) :]


def _some(leaves: Iterator[bytes], count: int) -> list[bytes]:
    return list(islice(leaves, count))
