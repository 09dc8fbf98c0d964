"""Asks one witness to sign a checkpoint. https://c2sp.org/tlog-witness."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus

import aiohttp

from event_store.proofs.checkpoint import Checkpoint, parse_number
from event_store.proofs.errors import MalformedProof, ProofError
from event_store.proofs.note import Note, Signature
from event_store.proofs.witness_protocol import MOST_BYTES, PATH, SIZE_TYPE, AddCheckpoint
from event_store.proofs.witnesses import Witness

_TRIES = 3  # another sealer may ask at the same time
_HEADERS = {"Content-Type": "text/plain; charset=utf-8", "User-Agent": "Paystream-Sealer/1"}

ConsistencyProof = Callable[[int], Sequence[bytes]]
"""Of a smaller size: the proof that its tree is the beginning of the one that is to be signed. It blocks."""


class WitnessFailed(ProofError):
    """It did not answer, or not as it should: later it may."""


class WitnessUnknowing(ProofError):
    """It does not know the log, or none of its keys: its settings or ours are wrong."""


class WitnessRefused(ProofError):
    """It has signed a tree that is not the beginning of this one, or is larger: one of both was not of this log."""


class WitnessAhead(WitnessRefused):
    """It has signed a larger tree."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Signed:
    """The signature of a witness, and when it says that it was made."""

    signature: Signature
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class _Answer:
    status: int
    is_size: bool
    text: str


class WitnessClient:
    """Needs an open session. Follows no redirects, and reads no long answers."""

    def __init__(self, session: aiohttp.ClientSession, *, timeout_s: float) -> None:
        self._session = session
        self._timeout_s = timeout_s

    async def ask(self, witness: Witness, note: Note, proof: ConsistencyProof, *, known: int) -> Signed:
        """Have a witness sign; `known` is the size that it has probably signed before.

        Raises WitnessFailed, WitnessUnknowing, WitnessRefused, or what `proof` raises.
        """
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._ask(witness, note, proof, known)
        except TimeoutError:
            raise WitnessFailed(f"no answer within {self._timeout_s:g} s") from None
        except (aiohttp.ClientError, OSError) as error:
            raise WitnessFailed(f"it cannot be asked: {type(error).__name__}") from None

    async def _ask(self, witness: Witness, note: Note, proof: ConsistencyProof, known: int) -> Signed:
        size = Checkpoint.parse(note.text).size
        old = min(known, size)
        for _ in range(_TRIES):
            hashes = await asyncio.to_thread(proof, old)
            answer = await self._post(witness, AddCheckpoint(old=old, proof=tuple(hashes), checkpoint=str(note)))
            if answer.status != HTTPStatus.CONFLICT:
                return _signed(answer, witness, note)
            theirs = _size_of(answer)
            if theirs > size:
                raise WitnessAhead(f"it has signed a tree of {theirs}, and this one has {size}")
            if theirs == old == size:
                raise WitnessRefused(f"it has signed another tree of {size}")
            old = theirs
        raise WitnessFailed("it says another size each time")

    async def _post(self, witness: Witness, request: AddCheckpoint) -> _Answer:
        async with self._session.post(
            f"{witness.url}{PATH}", data=str(request).encode(), headers=_HEADERS, allow_redirects=False
        ) as response:
            content = await response.content.read(MOST_BYTES)
            while not response.content.at_eof() and len(content) < MOST_BYTES:
                content += await response.content.read(MOST_BYTES - len(content))
            return _Answer(
                status=response.status,
                is_size=response.content_type == SIZE_TYPE,
                text=content.decode(errors="replace"),
            )


def _signed(answer: _Answer, witness: Witness, note: Note) -> Signed:
    if answer.status == HTTPStatus.UNPROCESSABLE_ENTITY:
        raise WitnessRefused("what it has signed is not the beginning of this tree")
    if answer.status in (HTTPStatus.NOT_FOUND, HTTPStatus.FORBIDDEN):
        what = "the log" if answer.status == HTTPStatus.NOT_FOUND else "the key of the log"
        raise WitnessUnknowing(f"it does not know {what}")
    if answer.status != HTTPStatus.OK:
        raise WitnessFailed(f"it answers {answer.status}")
    try:
        signatures = Note.parse(f"{note.text}\n{answer.text}").signatures
        for each in signatures:  # others may have signed too
            if (each.name, each.key_id) == (witness.key.name, witness.key.key_id):
                moment = witness.key.verify(note.text, each)
                assert moment is not None, "it is the key of a witness"
                return Signed(signature=each, at=datetime.fromtimestamp(moment, UTC))
    except (ProofError, OverflowError, ValueError, OSError):
        raise WitnessFailed("its signature is not of this checkpoint") from None
    raise WitnessFailed("it has signed with another key")


def _size_of(answer: _Answer) -> int:
    try:
        if answer.is_size and answer.text.endswith("\n"):
            return parse_number(answer.text.removesuffix("\n"))
    except MalformedProof:
        pass
    raise WitnessFailed("it has signed another size, and does not say which")
