"""What witnesses have signed of a log, as far as a verification comes across it."""

from datetime import UTC, datetime, timedelta

from event_store.proofs.checkpoint import Checkpoint
from event_store.proofs.errors import ProofRefused
from event_store.proofs.note import Note, PublicKey
from event_store.proofs.report import Cosigned
from event_store.proofs.witnesses import Quorum, signed_by_quorum

LONGEST_WAIT = timedelta(hours=1)
"""An event that was recorded so long ago has been signed by a quorum, or somebody should ask why not."""


class Cosigners:
    """Keeps, of each witness, the largest tree that it has signed."""

    def __init__(self, quorum: Quorum) -> None:
        self.quorum = quorum
        self._largest: dict[PublicKey, tuple[int, int]] = {}

    def look_at(self, checkpoint: Checkpoint, note: Note) -> list[str]:
        """Take what is below a checkpoint; return the names of witnesses whose signature is not of it."""
        wrong = list[str]()
        for key in self.quorum.keys:
            for each in note.signatures:
                if (each.name, each.key_id) != (key.name, key.key_id):
                    continue
                try:
                    moment = key.verify(note.text, each)
                except ProofRefused:
                    wrong.append(key.name)
                else:
                    assert moment is not None, "it is the key of a witness"
                    self._largest[key] = max(self._largest.get(key, (0, 0)), (checkpoint.size, moment))
        return wrong

    @property
    def witnessed(self) -> int:
        """Return the size of the largest tree that enough of them stand for."""
        return signed_by_quorum({key: size for key, (size, _) in self._largest.items()}, self.quorum.needed)

    @property
    def cosigned(self) -> list[Cosigned]:
        """Return the largest tree of each that has signed one."""
        return [
            Cosigned(witness=key.name, size=size, at=_moment(seconds)) for key, (size, seconds) in self._largest.items()
        ]


def _moment(seconds: int) -> datetime:
    latest = datetime.max.replace(tzinfo=UTC)
    return datetime.fromtimestamp(min(seconds, int(latest.timestamp())), UTC)
