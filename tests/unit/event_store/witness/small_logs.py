"""A small log that asks a witness, and one that was forged with its key."""

from dataclasses import dataclass
from hashlib import sha256

from event_store.proofs.checkpoint import Checkpoint
from event_store.proofs.merkle import consistency_proof, leaf_hash, perfect_root, range_hash
from event_store.proofs.note import COSIGNATURE_V1, PrivateKey
from event_store.proofs.witness_protocol import AddCheckpoint

KEY = PrivateKey.new("example.com/log")
WITNESS = PrivateKey.new("witness.example/w1", COSIGNATURE_V1)
NOW = 1_800_000_000


@dataclass(frozen=True)
class SmallLog:
    """Its entries are those of another log up to `forged_at`, and others from there on."""

    forged_at: int | None = None
    key: PrivateKey = KEY

    def hashes(self, size: int) -> list[bytes]:
        forged_at = size if self.forged_at is None else self.forged_at
        return [leaf_hash(b"%d%s" % (each, b"" if each < forged_at else b"!")) for each in range(size)]

    def root(self, size: int) -> bytes:
        hashes = self.hashes(size)

        def subtree(level: int, number: int) -> bytes:
            return perfect_root(hashes[number << level : (number + 1) << level])

        return range_hash(0, size, subtree) if size else sha256(b"").digest()

    def checkpoint(self, size: int) -> str:
        return str(Checkpoint(origin=self.key.name, size=size, root=self.root(size)).signed([self.key]))

    def request(self, old: int, size: int) -> AddCheckpoint:
        """Return what it sends, with the proof as this log has it."""
        hashes = self.hashes(size)

        def subtree(level: int, number: int) -> bytes:
            return perfect_root(hashes[number << level : (number + 1) << level])

        proof = consistency_proof(old, size, subtree) if 0 < old < size else []
        return AddCheckpoint(old=old, proof=tuple(proof), checkpoint=self.checkpoint(size))

    def sent(self, old: int, size: int) -> bytes:
        return str(self.request(old, size)).encode()
