"""Proofs that can be verified offline: an entry is in a log. https://c2sp.org/tlog-proof."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass

from event_store.proofs.checkpoint import Checkpoint, open_checkpoint, parse_hash, parse_number
from event_store.proofs.errors import MalformedProof, ProofRefused
from event_store.proofs.merkle import leaf_hash, verify_inclusion
from event_store.proofs.note import Note, PublicKey

_HEAD = "c2sp.org/tlog-proof@v1"
_INDEX = "index "
_EXTRA = "extra "
_LONGEST = 63


@dataclass(frozen=True, kw_only=True, slots=True)
class TlogProof:
    """Where an entry is, the hashes from it to the root, and the signed checkpoint with the root."""

    index: int
    path: tuple[bytes, ...]
    checkpoint: str

    def __str__(self) -> str:
        """Return it as it is written."""
        hashes = "".join(f"{base64.b64encode(each).decode()}\n" for each in self.path)
        return f"{_HEAD}\n{_INDEX}{self.index}\n{hashes}\n{self.checkpoint}"

    @classmethod
    def parse(cls, written: str) -> "TlogProof":
        """Read one. Raises MalformedProof."""
        head, separator, checkpoint = written.partition("\n\n")
        lines = head.split("\n")
        if not separator or lines[0] != _HEAD:
            raise MalformedProof(f"a proof begins with {_HEAD}, and has a checkpoint after an empty line")
        rest = lines[2:] if len(lines) > 1 and lines[1].startswith(_EXTRA) else lines[1:]
        if not rest or not rest[0].startswith(_INDEX) or len(rest) - 1 > _LONGEST:
            raise MalformedProof("a proof has an index, and at most 63 hashes")
        return cls(
            index=parse_number(rest[0].removeprefix(_INDEX)),
            path=tuple(map(parse_hash, rest[1:])),
            checkpoint=checkpoint,
        )

    def verify(
        self, entry: bytes, keys: Sequence[PublicKey], witnesses: Sequence[PublicKey] = (), *, needed: int | None = None
    ) -> Checkpoint:
        """Return the checkpoint of the log that has the entry. Raises MalformedProof or ProofRefused.

        One of `keys` must have signed it, and so many of `witnesses`, by default all.
        """
        checkpoint = open_checkpoint(self.checkpoint, keys)
        signers = Note.parse(self.checkpoint).verified_by(witnesses)
        missing = [key.name for key in witnesses if key not in signers]
        if len(signers) < (len(witnesses) if needed is None else needed):
            required = f"{len(witnesses) if needed is None else needed} of {len(witnesses)}"
            raise ProofRefused(
                f"{required} witnesses are required, and {len(signers)} signed; have not signed: {', '.join(missing)}"
            )
        verify_inclusion(self.index, checkpoint.size, leaf_hash(entry), self.path, checkpoint.root)
        return checkpoint

    def signers(self, witnesses: Sequence[PublicKey]) -> list[PublicKey]:
        """Return the witnesses that signed the checkpoint. Raises as `verify` does."""
        return Note.parse(self.checkpoint).verified_by(witnesses)
