"""What a log and a witness say to each other. https://c2sp.org/tlog-witness."""

import base64
from dataclasses import dataclass

from event_store.proofs.checkpoint import parse_hash, parse_number
from event_store.proofs.errors import MalformedProof

PATH = "/add-checkpoint"
SIZE_TYPE = "text/x.tlog.size"
"""The content type of an answer that tells the size of the tree that the witness signed last."""
MOST_BYTES = 64 * 1024
"""Of a request or an answer: 63 hashes, and a checkpoint with all the signatures that a note may have, take a tenth."""
_OLD = "old "
_MOST_HASHES = 63


@dataclass(frozen=True, kw_only=True, slots=True)
class AddCheckpoint:
    """A checkpoint that is to be signed, and the proof that the tree of `old` leaves is its beginning."""

    old: int
    proof: tuple[bytes, ...]
    checkpoint: str

    def __str__(self) -> str:
        """Return it as it is sent."""
        hashes = "".join(f"{base64.b64encode(each).decode()}\n" for each in self.proof)
        return f"{_OLD}{self.old}\n{hashes}\n{self.checkpoint}"

    @classmethod
    def parse(cls, sent: str) -> "AddCheckpoint":
        """Read one. Raises MalformedProof."""
        head, separator, checkpoint = sent.partition("\n\n")
        first, *hashes = head.split("\n")
        if not separator or not first.startswith(_OLD):
            raise MalformedProof("a request begins with an old size, and has a checkpoint after an empty line")
        if len(hashes) > _MOST_HASHES:
            raise MalformedProof(f"a consistency proof has at most {_MOST_HASHES} hashes")
        return cls(
            old=parse_number(first.removeprefix(_OLD)), proof=tuple(map(parse_hash, hashes)), checkpoint=checkpoint
        )
