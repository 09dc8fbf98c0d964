"""From positions and moments to indexes of the tree: positions have gaps, and rise with the indexes.

The entries have all three. Times rise with them too, but for a clock that was set back.
"""

from datetime import datetime

from event_store.proofs.errors import MalformedProof
from event_store.proofs.statement import Statement
from event_store.proofs.tile_store import TileStore
from event_store.proofs.tiles import WIDTH, width_in


def entry_at(folder: TileStore, size: int, index: int) -> bytes:
    """Return an entry of a tree of a size. Raises as `TileStore.entries` does."""
    number, offset = divmod(index, WIDTH)
    return folder.entries(number, width_in(size, 0, number))[offset]


def first_index_from(folder: TileStore, size: int, place: int | datetime) -> int:
    """Return the index of the first event at a position or moment, or behind it; `size` when there is none.

    Reads as many bundles as their number has binary digits. Raises as `TileStore.entries` does, or MalformedProof.
    """
    low, high = 0, -(-size // WIDTH)
    while low < high:
        middle = (low + high) // 2
        last = min(size, (middle + 1) * WIDTH) - 1
        if _is_before(entry_at(folder, size, last), place):
            low = middle + 1
        else:
            high = middle
    if low * WIDTH >= size:
        return size
    entries = folder.entries(low, width_in(size, 0, low))
    return low * WIDTH + sum(_is_before(entry, place) for entry in entries)


def _is_before(entry: bytes, place: int | datetime) -> bool:
    statement = Statement.parse(entry)
    if isinstance(place, int):
        return statement.position < place
    try:
        return datetime.fromisoformat(statement.recorded_at) < place
    except (ValueError, TypeError):
        raise MalformedProof(f"the entry of position {statement.position} has no time") from None
