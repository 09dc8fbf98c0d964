"""Makes proofs of events that anybody can check offline."""

import asyncio
from dataclasses import dataclass

from event_store.proofs.checkpoint import Checkpoint
from event_store.proofs.cosignatures import cosignatures_of, newest_with_quorum
from event_store.proofs.errors import ProofError
from event_store.proofs.merkle import inclusion_proof, leaf_hash, verify_inclusion
from event_store.proofs.note import Note, signed_also
from event_store.proofs.places import entry_at, first_index_from
from event_store.proofs.statement import EventRow, entry_of
from event_store.proofs.tile_store import TileStore
from event_store.proofs.tlog_proof import TlogProof
from event_store.proofs.tree import TileReader
from event_store.proofs.witnesses import Quorum
from event_store.store import Connection


class NotSealed(ProofError):
    """The event is not in the tree yet."""


class NotAsSealed(ProofError):
    """The event is in the log otherwise than it was sealed, or the tiles are not those of the checkpoint."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Prover:
    """Proves events to be in the tree of a signed checkpoint. Its methods block."""

    folder: TileStore
    checkpoint: str

    def prove(self, row: EventRow) -> TlogProof:
        """Return the proof of an event. Raises NotSealed, NotAsSealed, and as `TileStore` does."""
        sealed = Checkpoint.parse(Note.parse(self.checkpoint).text)
        position, entry = row[0], entry_of(row)
        index = first_index_from(self.folder, sealed.size, position)
        if index == sealed.size:
            raise NotSealed(f"event {row[1]} at position {position} is not sealed yet")
        if entry_at(self.folder, sealed.size, index) != entry:
            raise NotAsSealed(
                f"event {row[1]} is not what was sealed at position {position}. See: paystream audit verify"
            )
        reader = TileReader(sealed.size, self.folder.hashes)
        path = inclusion_proof(index, sealed.size, reader.subtree)
        try:
            verify_inclusion(index, sealed.size, leaf_hash(entry), path, sealed.root)
        except ProofError:
            raise NotAsSealed(f"the tiles in {self.folder.where} are not those of its checkpoint") from None
        return TlogProof(index=index, path=tuple(path), checkpoint=self.checkpoint)


async def best_checkpoint(
    connection: Connection, store: TileStore, quorum: Quorum, *, last_position: int
) -> str | None:
    """Return the newest checkpoint; if no quorum has signed it yet, the newest that one has, if that has the event.

    Raises MalformedProof, ProofRefused, or what the store raises.
    """
    written = await asyncio.to_thread(store.checkpoint)
    if written is None or not quorum.keys:
        return written
    newest = Note.parse(written)
    if len(newest.verified_by(quorum.keys)) >= quorum.needed:
        return written
    size = Checkpoint.parse(newest.text).size
    found = await newest_with_quorum(connection, quorum.keys, quorum.needed, up_to=size)
    if found is None or found.last_position < last_position:
        return written
    lines = [each.line for each in await cosignatures_of(connection, found.size)]
    return str(signed_also(Note.parse(found.note), lines))
