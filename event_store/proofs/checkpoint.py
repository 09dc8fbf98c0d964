"""Checkpoints: how large a tree is, and its root, signed. https://c2sp.org/tlog-checkpoint."""

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass

from event_store.proofs.errors import MalformedProof, ProofRefused
from event_store.proofs.merkle import HASH_BYTES
from event_store.proofs.note import ED25519, Note, PrivateKey, PublicKey

_NUMBER = re.compile(r"0|[1-9][0-9]{0,18}")
_LINES = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Checkpoint:
    """What a log says of itself: `origin` is the log's name, which its key has too."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """Return what is signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"

    def signed(self, keys: Sequence[PrivateKey]) -> Note:
        """Return it, signed with each of the log's keys: the new one and, for a while, the one before."""
        text = self.text()
        return Note(text=text, signatures=tuple(key.sign(text) for key in keys))

    @classmethod
    def parse(cls, text: str) -> "Checkpoint":
        """Read what was signed; lines of extensions are passed over. Raises MalformedProof."""
        lines = text.removesuffix("\n").split("\n")
        if len(lines) < _LINES or not all(lines):
            raise MalformedProof("a checkpoint has an origin, a size and a root")
        return cls(origin=lines[0], size=parse_number(lines[1]), root=parse_hash(lines[2]))


def open_checkpoint(written: str, keys: Sequence[PublicKey]) -> Checkpoint:
    """Return a checkpoint that one of the log's keys signed. Raises MalformedProof or ProofRefused."""
    note = Note.parse(written)
    found = Checkpoint.parse(note.text)
    signers = note.verified_by(keys)
    if not any(key.algorithm == ED25519 and key.name == found.origin for key in signers):
        raise ProofRefused(f"no key that is trusted has signed the checkpoint of {found.origin} at {found.size}")
    return found


def parse_number(text: str) -> int:
    """Read a number as the formats have it: decimal, no zero before it. Raises MalformedProof."""
    if _NUMBER.fullmatch(text) is None:
        raise MalformedProof("a size or an index is not a decimal number")
    return int(text)


def parse_hash(text: str) -> bytes:
    """Read a hash in base64. Raises MalformedProof."""
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        content = b""
    if len(content) != HASH_BYTES or base64.b64encode(content).decode() != text:
        raise MalformedProof("a hash is not 32 bytes in base64")
    return content
