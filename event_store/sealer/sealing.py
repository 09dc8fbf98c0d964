"""Seals what is new of the log: tiles, then the checkpoint in the table, then the one in the folder.

A crash in between leaves tiles that nobody needs yet, or a table ahead of the folder; the next round mends both.
A folder that is ahead of the table is taken at its word when our key signed it: the database went back.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from event_store.proofs.checkpoint import Checkpoint, open_checkpoint
from event_store.proofs.errors import MalformedProof, ProofRefused, TileDiffers
from event_store.proofs.log_rows import row_at, rows_after
from event_store.proofs.merkle import leaf_hash
from event_store.proofs.note import PrivateKey
from event_store.proofs.sealed_log import SealedCheckpoint, add_checkpoint, newest_checkpoint
from event_store.proofs.statement import EventRow, Statement, entry_of
from event_store.proofs.tile_store import TileStore
from event_store.proofs.tiles import WIDTH
from event_store.proofs.tree import TiledTree
from event_store.sealer import metrics
from event_store.store import Connection, read_log_state
from event_store.tail import ProvedEnd

log = structlog.get_logger(__name__)

_PROVE_AGAIN_S, _PROVE_TIMES = 0.05, 20


@dataclass(kw_only=True, slots=True)
class _Sealed:
    """How far the log is sealed, and what it takes to go on. `entry` is the last one."""

    tree: TiledTree
    last_position: int
    entry: bytes | None


class Sealing:
    """Seals one log into one folder. Not safe for concurrent use; needs a primary, and a connection in autocommit.

    When something raises, it begins anew from what was written.
    """

    def __init__(self, folder: TileStore, keys: Sequence[PrivateKey], *, batch: int) -> None:
        self._folder = folder
        self._keys = keys
        self._batch = batch
        self._sealed: _Sealed | None = None
        self._end = ProvedEnd()
        self._epoch: int | None = None

    async def seal(self, connection: Connection) -> int | None:
        """Seal one batch of what is new; return how many events that are, None while the log is closed.

        Raises ProofError, OSError or psycopg.Error.
        """
        try:
            return await self._seal(connection)
        except BaseException:
            self._sealed = None
            raise

    @property
    def last_position(self) -> int | None:
        """The position of the event that was sealed last; None: not known."""
        return None if self._sealed is None else self._sealed.last_position

    @property
    def is_up_to_date(self) -> bool:
        """Whether nobody had drawn a position behind the last sealed event when it looked."""
        return self._sealed is not None and self._end.drawn <= self._sealed.last_position

    async def _seal(self, connection: Connection) -> int | None:
        if not await self._enter_epoch(connection):
            return None
        if self._sealed is None:
            self._sealed = await self._load(connection)
            metrics.SIZE.set(self._sealed.tree.size)
        sealed = self._sealed
        final = await self._final_position(connection)
        if self.is_up_to_date:
            return 0
        found = await rows_after(connection, sealed.last_position, limit=self._batch)
        rows = _unbroken(found, sealed.last_position, final)
        if not rows:
            return 0
        await self._compare_last(connection, sealed)
        if not await self._is_in_epoch(connection):  # what was read may be of a log that went back
            return None
        checkpoint = await asyncio.to_thread(self._write, sealed, rows)
        await add_checkpoint(connection, checkpoint)
        await asyncio.to_thread(self._folder.publish, checkpoint.note)
        metrics.SEALED.inc(len(rows))
        metrics.CHECKPOINTS.inc()
        metrics.SIZE.set(checkpoint.size)
        return len(rows)

    async def _enter_epoch(self, connection: Connection) -> bool:
        """Return whether the log is open. After a recovery, what was proved of its end is not proved any more."""
        state = await read_log_state(connection)
        if state.closed_because is not None:
            return False
        if state.epoch != self._epoch:
            self._epoch, self._sealed, self._end = state.epoch, None, ProvedEnd()
        return True

    async def _is_in_epoch(self, connection: Connection) -> bool:
        state = await read_log_state(connection)
        return state.closed_because is None and state.epoch == self._epoch

    async def _final_position(self, connection: Connection) -> int:
        """Return up to where the log is final; wait a moment for those who append just now."""
        await self._end.prove(connection)
        drawn = self._end.drawn
        for _ in range(_PROVE_TIMES):
            if self._end.position >= drawn:
                break
            await asyncio.sleep(_PROVE_AGAIN_S)
            await self._end.prove(connection)
        return self._end.position

    def _write(self, sealed: _Sealed, rows: Sequence[EventRow]) -> SealedCheckpoint:
        entries = [entry_of(row) for row in rows]
        full = sealed.tree.extend(entries)
        self._folder.write([*full, *sealed.tree.partial()])
        sealed.last_position, sealed.entry = rows[-1][0], entries[-1]
        checkpoint = Checkpoint(origin=self._keys[0].name, size=sealed.tree.size, root=sealed.tree.root())
        return SealedCheckpoint(
            size=checkpoint.size,
            root=checkpoint.root,
            last_position=sealed.last_position,
            note=str(checkpoint.signed(self._keys)),
        )

    async def _load(self, connection: Connection) -> _Sealed:
        in_table = await newest_checkpoint(connection)
        written = await asyncio.to_thread(self._folder.checkpoint)
        in_folder = None if written is None else self._of_ours(written)
        if in_table is None and in_folder is None:
            return _Sealed(tree=TiledTree(), last_position=0, entry=None)
        of_table = None if in_table is None else self._of_ours(in_table.note)
        newest = max((each for each in (of_table, in_folder) if each is not None), key=lambda each: each.size)
        sealed = await asyncio.to_thread(self._at, newest)
        if in_table is not None and newest is of_table:
            if of_table != in_folder:
                await asyncio.to_thread(self._folder.publish, in_table.note)
        elif written is not None:
            log.warning("sealer_database_went_back", size=newest.size, known=0 if of_table is None else of_table.size)
            await add_checkpoint(
                connection,
                SealedCheckpoint(size=newest.size, root=newest.root, last_position=sealed.last_position, note=written),
            )
        return sealed

    def _of_ours(self, written: str) -> Checkpoint:
        """Return a checkpoint of the past. Raises MalformedProof or ProofRefused."""
        found = open_checkpoint(written, [key.public for key in self._keys])
        if found.origin != self._keys[0].name:
            raise ProofRefused(f"the log is {found.origin}, the key is of {self._keys[0].name}")
        return found

    def _at(self, checkpoint: Checkpoint) -> _Sealed:
        last, count = divmod(checkpoint.size - 1, WIDTH)
        entries = self._folder.entries(last, count + 1)
        open_entries = entries if len(entries) < WIDTH else ()
        tree = TiledTree(checkpoint.size, self._folder.hashes, open_entries)
        leaves = self._folder.hashes(0, last, count + 1)
        if tree.root() != checkpoint.root or [leaf_hash(entry) for entry in entries] != leaves:
            raise TileDiffers(f"the tiles in {self._folder.where} are not those of its checkpoint of {checkpoint.size}")
        return _Sealed(tree=tree, last_position=Statement.parse(entries[-1]).position, entry=entries[-1])

    async def _compare_last(self, connection: Connection, sealed: _Sealed) -> None:
        """Look whether what was sealed last is still in the log. If not, an alert tells, and sealing goes on."""
        row = await row_at(connection, sealed.last_position) if sealed.entry is not None else None
        try:
            differs = sealed.entry is not None and (row is None or entry_of(row) != sealed.entry)
        except MalformedProof:
            differs = True
        metrics.DIFFERS.set(differs)
        if differs:
            log.error("sealed_event_differs", position=sealed.last_position)


def _unbroken(rows: Sequence[EventRow], last: int, final: int) -> Sequence[EventRow]:
    """Return the events before the first gap that another transaction may fill."""
    for at, row in enumerate(rows):
        if row[0] != last + 1 and row[0] > final:
            return rows[:at]
        last = row[0]
    return rows
