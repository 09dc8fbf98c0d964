"""Has witnesses sign the newest checkpoint, and keeps their signatures with it.

Sealing goes on without them: what they do not sign waits, and metrics say for how long, and which of them refuses. A
signature under one checkpoint stands for all before it, so of several that were sealed at once only the newest is sent.
"""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

import aiohttp
import psycopg
import structlog
from psycopg_pool import PoolTimeout

from event_store.proofs.checkpoint import Checkpoint, open_checkpoint
from event_store.proofs.cosignatures import (
    add_cosignature,
    cosignatures_of,
    first_sealed_beyond,
    newest_cosignature,
)
from event_store.proofs.errors import ProofError
from event_store.proofs.merkle import consistency_proof
from event_store.proofs.note import Note, PublicKey, signed_also
from event_store.proofs.sealed_log import newest_checkpoint
from event_store.proofs.tile_store import TileStore
from event_store.proofs.tree import TileReader
from event_store.proofs.witnesses import Witness, Witnesses, signed_by_quorum
from event_store.sealer import metrics
from event_store.sealer.witness_client import (
    Signed,
    WitnessAhead,
    WitnessClient,
    WitnessFailed,
    WitnessRefused,
    WitnessUnknowing,
)
from event_store.store import Connection
from infra.postgres.pool import Pool

log = structlog.get_logger(__name__)


class Witnessing:
    """Asks the witnesses of one log. Not safe for concurrent use."""

    def __init__(
        self,
        store: TileStore,
        keys: Sequence[PublicKey],
        witnesses: Witnesses,
        session: aiohttp.ClientSession,
        *,
        timeout_s: float,
    ) -> None:
        self._store = store
        self._keys = keys
        self._witnesses = witnesses
        self._client = WitnessClient(session, timeout_s=timeout_s)
        self._published: str | None = None
        self._unwitnessed: datetime | None = None
        metrics.UNWITNESSED_SECONDS.set_function(self._unwitnessed_s)

    def standby(self) -> None:
        """Let another process tell how it is."""
        self._unwitnessed = self._published = None
        for each in self._witnesses.all:
            metrics.WITNESS_REFUSES.labels(each.key.name).set(0)

    async def run(self, pool: Pool) -> None:
        """Ask those that have not signed the newest checkpoint. Raises nothing for what the network or a file does.

        No connection is taken while they are asked.
        """
        if not self._witnesses.all:
            return
        try:
            await self._run(pool)
        except (ProofError, OSError, psycopg.Error, PoolTimeout) as error:
            log.warning("witnessing_failed", error=f"{type(error).__name__}: {error}")
            self._unwitnessed = self._unwitnessed or datetime.now(UTC)

    async def _run(self, pool: Pool) -> None:
        async with pool.connection() as connection:
            newest = await newest_checkpoint(connection)
            if newest is None:
                return
            kept = {each.witness: each.line for each in await cosignatures_of(connection, newest.size)}
            sizes = {each.key: await self._known(connection, each) for each in self._witnesses.all}
        checkpoint, note = open_checkpoint(newest.note, self._keys), Note.parse(newest.note)
        # A row proves nothing: who may write the table could hide that nobody has signed.
        lines = {key: kept[str(key)] for key in sizes if _is_signed(note, kept.get(str(key)), key)}
        missing = [each for each in self._witnesses.all if each.key not in lines]
        sizes |= {each.key: 0 for each in missing if sizes[each.key] >= checkpoint.size}
        answers = await self._ask(missing, checkpoint, note, sizes)
        async with pool.connection() as connection:
            for witness, answer in zip(missing, answers, strict=True):
                if isinstance(answer, Signed):
                    line = answer.signature.line()
                    await add_cosignature(connection, checkpoint.size, witness.key, line, answer.at)
                    lines[witness.key], sizes[witness.key] = line, checkpoint.size
                elif not (isinstance(answer, WitnessAhead) and await self._is_old(connection, checkpoint)):
                    self._report(witness, answer)
            self._unwitnessed = await first_sealed_beyond(connection, signed_by_quorum(sizes, self._witnesses.needed))
        await asyncio.to_thread(self._publish, checkpoint, note, list(lines.values()))

    async def _known(self, connection: Connection, witness: Witness) -> int:
        found = await newest_cosignature(connection, witness.key)
        return 0 if found is None else found.size

    async def _is_old(self, connection: Connection, checkpoint: Checkpoint) -> bool:
        """Return whether another sealer has gone on meanwhile."""
        newest = await newest_checkpoint(connection)
        return newest is not None and newest.size > checkpoint.size

    async def _ask(
        self, witnesses: Sequence[Witness], checkpoint: Checkpoint, note: Note, sizes: dict[PublicKey, int]
    ) -> list[Signed | ProofError | OSError]:
        def proof(old: int) -> Sequence[bytes]:
            reader = TileReader(checkpoint.size, self._store.hashes)
            return consistency_proof(old, checkpoint.size, reader.subtree)

        async def ask(witness: Witness) -> Signed | ProofError | OSError:
            try:
                signed = await self._client.ask(witness, note, proof, known=sizes[witness.key])
            except (ProofError, OSError) as error:
                return error
            metrics.WITNESS_ANSWERS.labels(witness.key.name, "cosigned").inc()
            metrics.WITNESS_REFUSES.labels(witness.key.name).set(0)
            return signed

        return await asyncio.gather(*map(ask, witnesses))

    def _report(self, witness: Witness, error: ProofError | OSError) -> None:
        match error:
            case WitnessRefused():
                result, say = "refused", log.error
                metrics.WITNESS_REFUSES.labels(witness.key.name).set(1)
            case WitnessUnknowing():
                result, say = "unknown", log.warning
            case _:
                result, say = "failed", log.warning
        metrics.WITNESS_ANSWERS.labels(witness.key.name, result).inc()
        reason = str(error) if isinstance(error, WitnessFailed | WitnessUnknowing | WitnessRefused) else repr(error)
        say(f"witness_{result}", witness=witness.key.name, url=witness.url, reason=reason)

    def _publish(self, checkpoint: Checkpoint, note: Note, lines: Sequence[str]) -> None:
        """Make the checkpoint with its signatures the newest, unless a newer one is there by now."""
        whole = str(signed_also(note, lines))
        if whole == self._published:
            return
        written = self._store.checkpoint()
        found = "" if written is None else Note.parse(written).text
        # An older one is there when a sealer that lost its lock came late.
        if written != whole and (found in ("", note.text) or Checkpoint.parse(found).size < checkpoint.size):
            self._store.publish(whole)
        self._published = whole

    def _unwitnessed_s(self) -> float:
        if self._unwitnessed is None:
            return 0.0
        return max(0.0, (datetime.now(UTC) - self._unwitnessed).total_seconds())


def _is_signed(note: Note, line: str | None, key: PublicKey) -> bool:
    try:
        return line is not None and key in signed_also(note, [line]).verified_by([key])
    except ProofError:
        return False
