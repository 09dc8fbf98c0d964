"""Signs checkpoints of logs, each only if it goes on from the one before. https://c2sp.org/tlog-witness."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus

import structlog

from event_store.proofs.checkpoint import Checkpoint, open_checkpoint
from event_store.proofs.errors import MalformedProof, ProofRefused
from event_store.proofs.merkle import verify_consistency
from event_store.proofs.note import Note, PrivateKey, PublicKey
from event_store.proofs.witness_protocol import SIZE_TYPE, AddCheckpoint
from event_store.witness.state import LARGEST_SIZE, Advance, Newest, WitnessState

log = structlog.get_logger(__name__)

TEXT = "text/plain; charset=utf-8"


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What is answered to a log."""

    status: HTTPStatus
    text: str
    content_type: str = TEXT


class Witness:
    """Looks at some logs, by the public keys that they sign with. A name stands for one log. Its methods block."""

    def __init__(
        self,
        state: WitnessState,
        key: PrivateKey,
        logs: Sequence[PublicKey],
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._state = state
        self._key = key
        self._logs: Mapping[str, list[PublicKey]] = {
            each.name: [other for other in logs if other.name == each.name] for each in logs
        }
        self._clock = clock

    def add_checkpoint(self, sent: bytes) -> Answer:
        """Sign a checkpoint, or say why not. Raises StateUnusable."""
        try:
            request = AddCheckpoint.parse(sent.decode())
            origin = Checkpoint.parse(Note.parse(request.checkpoint).text).origin
            if origin not in self._logs:
                return Answer(status=HTTPStatus.NOT_FOUND, text="this log is not known here\n")
            checkpoint = open_checkpoint(request.checkpoint, self._logs[origin])
        except (MalformedProof, UnicodeDecodeError) as error:
            return Answer(status=HTTPStatus.BAD_REQUEST, text=f"{error}\n")
        except ProofRefused as error:
            return Answer(status=HTTPStatus.FORBIDDEN, text=f"{error}\n")
        if request.old > checkpoint.size or checkpoint.size > LARGEST_SIZE:
            return Answer(status=HTTPStatus.BAD_REQUEST, text="the old size is larger than the tree\n")
        with self._state.advancing(origin) as place:
            refused = _refusal(place.newest, request, checkpoint)
            return self._sign(place, request, checkpoint) if refused is None else refused

    def newest(self, origin: str) -> str | None:
        """Return the checkpoint of a log that was signed last; None: there is none. Raises StateUnusable."""
        return self._state.newest(origin).note

    def _sign(self, place: Advance, request: AddCheckpoint, checkpoint: Checkpoint) -> Answer:
        note = Note.parse(request.checkpoint)
        known = {(key.name, key.key_id) for key in self._logs[checkpoint.origin]}
        of_log = [each for each in note.signatures if (each.name, each.key_id) in known]
        cosignature = self._key.sign(note.text, at=int(self._clock()))
        place.keep(checkpoint, str(Note(text=note.text, signatures=(*of_log, cosignature))))
        return Answer(status=HTTPStatus.OK, text=cosignature.line())


def _refusal(newest: Newest, request: AddCheckpoint, checkpoint: Checkpoint) -> Answer | None:
    if request.old != newest.size:
        return _conflict(newest)
    if checkpoint.size == newest.size and checkpoint.root != newest.root:
        _report(newest, request, "another tree of the same size")
        return _conflict(newest)
    try:
        verify_consistency(newest.size, checkpoint.size, newest.root, checkpoint.root, request.proof)
    except ProofRefused as error:
        _report(newest, request, str(error))
        return Answer(status=HTTPStatus.UNPROCESSABLE_ENTITY, text=f"{error}\n")
    return None


def _conflict(newest: Newest) -> Answer:
    return Answer(status=HTTPStatus.CONFLICT, text=f"{newest.size}\n", content_type=SIZE_TYPE)


def _report(newest: Newest, request: AddCheckpoint, reason: str) -> None:
    """Keep both checkpoints in the log of this process: two that do not fit prove that the log was forged."""
    log.error("checkpoint_inconsistent", reason=reason, signed=newest.note, sent=request.checkpoint)
