"""From positions to indexes of the tree: positions have gaps, and rise with the indexes; the entries have both."""

from event_store.proofs.statement import Statement
from event_store.proofs.tile_store import TileStore
from event_store.proofs.tiles import WIDTH, width_in


def entry_at(folder: TileStore, size: int, index: int) -> bytes:
    """Return an entry of a tree of a size. Raises as `TileStore.entries` does."""
    number, offset = divmod(index, WIDTH)
    return folder.entries(number, width_in(size, 0, number))[offset]


def first_index_from(folder: TileStore, size: int, position: int) -> int:
    """Return the index of the first event at a position or behind it; `size` when there is none.

    Reads as many bundles as their number has binary digits. Raises as `TileStore.entries` does, or MalformedProof.
    """
    low, high = 0, -(-size // WIDTH)
    while low < high:
        middle = (low + high) // 2
        last = min(size, (middle + 1) * WIDTH) - 1
        if Statement.parse(entry_at(folder, size, last)).position < position:
            low = middle + 1
        else:
            high = middle
    if low * WIDTH >= size:
        return size
    entries = folder.entries(low, width_in(size, 0, low))
    return low * WIDTH + sum(Statement.parse(entry).position < position for entry in entries)
