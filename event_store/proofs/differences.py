"""Names what differs between the log and what was sealed, when the roots have shown that something does."""

from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from typing import Protocol

from event_store.proofs import log_rows
from event_store.proofs.errors import MalformedProof, TileMissing
from event_store.proofs.log_rows import places_of
from event_store.proofs.merkle import leaf_hash
from event_store.proofs.report import Finding, Kind
from event_store.proofs.statement import EventRow, Statement, entry_as_found
from event_store.proofs.tile_store import TileStore
from event_store.proofs.tiles import WIDTH, width_in
from event_store.proofs.tree import GrowingTree
from event_store.store import Connection

_RUN = 5_000
_Entry = tuple[int, bytes]
"""A position and the entry that belongs there."""


class RowsAfter(Protocol):
    """How the log is read."""

    async def __call__(self, after: int, *, limit: int) -> list[EventRow]:
        """Return the next events."""


class Differences:
    """Compares event by event, in the order of positions, from an index that is a multiple of the width of a tile."""

    def __init__(
        self,
        connection: Connection,
        folder: TileStore,
        size: int,
        *,
        looked_at: Callable[[int], None],
        rows_after: RowsAfter | None = None,
    ) -> None:
        self._connection = connection
        self._rows_after = rows_after or partial(log_rows.rows_after, connection)
        self._folder = folder
        self._size = size
        self._looked_at = looked_at
        self._missing: dict[str, Statement] = {}
        self._extra: dict[str, Statement] = {}
        self._changed: list[Finding] = []
        self.entries_root: bytes | None = None
        """The root of the entries in the folder, once all were read; None when they could not be."""

    async def find(self, first_index: int, after: int) -> list[Finding]:
        """Return what differs from an index on, whose event is the first behind a position."""
        tree = GrowingTree(first_index, self._folder.hashes if first_index else None)
        sealed = self._sealed(first_index, tree)
        try:
            await self._merge(sealed, after)
        except (TileMissing, MalformedProof) as error:
            detail = f"what was sealed cannot be read, so events that differ are not all named: {error}"
            return [*self._changed, *await self._moved(), Finding(kind="tiles", detail=detail)]
        self.entries_root = tree.root()
        return sorted([*self._changed, *await self._moved()], key=lambda found: found.position or 0)

    async def _merge(self, sealed: Iterator[_Entry], after: int) -> None:
        actual = self._actual(after)
        one, other = next(sealed, None), await anext(actual, None)
        while one is not None:
            if other is not None and other[0] < one[0]:
                self._keep(self._extra, other[1])
                other = await anext(actual, None)
            elif other is None or other[0] > one[0]:
                self._keep(self._missing, one[1])
                one = next(sealed, None)
            else:
                if one[1] != other[1]:
                    self._compare(one, other)
                one, other = next(sealed, None), await anext(actual, None)

    def _sealed(self, index: int, tree: GrowingTree) -> Iterator[_Entry]:
        for number in range(index // WIDTH, -(-self._size // WIDTH)):
            entries = self._folder.entries(number, width_in(self._size, 0, number))
            tree.add([leaf_hash(entry) for entry in entries])
            yield from ((Statement.parse(entry).position, entry) for entry in entries)

    async def _actual(self, after: int) -> AsyncIterator[_Entry]:
        while rows := await self._rows_after(after, limit=_RUN):
            self._looked_at(len(rows))
            for row in rows:
                yield row[0], entry_as_found(row)
            after = rows[-1][0]

    def _compare(self, sealed: _Entry, actual: _Entry) -> None:
        before, after = Statement.parse(sealed[1]), Statement.parse(actual[1])
        if before.event_id != after.event_id:
            self._missing[before.event_id], self._extra[after.event_id] = before, after
        else:
            detail = f"the event has another {_listed(before.differing(after))} than was sealed"
            self._changed.append(_finding("changed", before, detail))

    def _keep(self, where: dict[str, Statement], entry: bytes) -> None:
        statement = Statement.parse(entry)
        where[statement.event_id] = statement

    async def _moved(self) -> list[Finding]:
        gone = [event_id for event_id in self._missing if event_id not in self._extra]
        places = await places_of(self._connection, gone) if gone else {}
        taken = {statement.position for statement in self._extra.values()}
        found = list[Finding]()
        for event_id, before in self._missing.items():
            after = self._extra.get(event_id)
            place = places.get(event_id) if after is None else after.position
            if place is None:
                found.append(_finding("removed", before, "the event is not in the log any more"))
                continue
            others = [] if after is None else [name for name in before.differing(after) if name != "position"]
            also = f", and has another {_listed(others)}" if others else ""
            kind: Kind = "reordered" if before.position in taken else "renumbered"
            found.append(_finding(kind, before, f"the event is at position {place} now{also}"))
        inserted = [statement for event_id, statement in self._extra.items() if event_id not in self._missing]
        return found + [_finding("inserted", statement, "no such event was sealed") for statement in inserted]


def _finding(kind: Kind, statement: Statement, detail: str) -> Finding:
    return Finding(
        kind=kind,
        detail=detail,
        position=statement.position,
        event_id=statement.event_id,
        stream_id=statement.stream_id,
    )


def _listed(names: list[str]) -> str:
    return ", ".join(names)
