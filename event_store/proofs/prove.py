"""Makes proofs of events that anybody can check offline."""

from dataclasses import dataclass

from event_store.proofs.checkpoint import Checkpoint
from event_store.proofs.errors import ProofError
from event_store.proofs.merkle import inclusion_proof, leaf_hash, verify_inclusion
from event_store.proofs.note import Note
from event_store.proofs.places import entry_at, first_index_from
from event_store.proofs.statement import EventRow, entry_of
from event_store.proofs.tile_store import TileStore
from event_store.proofs.tlog_proof import TlogProof
from event_store.proofs.tree import TileReader


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
