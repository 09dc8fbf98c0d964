"""Proofs as files: of an event, or of each event of a payment or another stream, with the event beside it."""

import asyncio
import io
import zipfile
from collections.abc import Sequence
from uuid import UUID

from event_store.proofs.errors import ProofError
from event_store.proofs.log_rows import row_at, rows_of
from event_store.proofs.prove import NotSealed, Prover, best_checkpoint
from event_store.proofs.statement import EventRow, event_document
from event_store.proofs.stores import tile_store
from event_store.proofs.tile_store import TileStore
from event_store.proofs.witnesses import Quorum
from infra.errors import InfraError
from infra.postgres.pool import Connection
from infra.settings.proofs import ProofsSettings
from projections.audit.suffixes import EVENT_SUFFIX, PROOF_SUFFIX

_WHEN = (1980, 1, 1, 0, 0, 0)  # the same proofs are the same file


class NothingSealed(InfraError):
    """None of the events is sealed yet."""


class NotProved(InfraError):
    """The log or its tiles are not what was sealed."""


class ProofsUnreadable(InfraError):
    """The tiles of the log cannot be read now."""


class ProofFiles:
    """Makes them of the tiles at one place."""

    def __init__(self, store: TileStore, quorum: Quorum) -> None:
        self._store = store
        self._quorum = quorum

    @classmethod
    def from_settings(cls, settings: ProofsSettings, quorum: Quorum) -> "ProofFiles | None":
        """Return it; None when the settings name no place."""
        store = tile_store(settings)
        return None if store is None else cls(store, quorum)

    async def archive_of(self, conn: Connection, subject: UUID | int) -> bytes | None:
        """Return a zip archive of the events that are sealed and their proofs; None when there is no such event.

        The subject is a stream, as a payment is, an event, or the position of an event. Raises
        NothingSealed, NotProved and ProofsUnreadable.
        """
        rows = await _rows(conn, subject)
        if not rows:
            return None
        try:
            checkpoint = await best_checkpoint(conn, self._store, self._quorum, last_position=rows[-1][0])
            if checkpoint is None:
                raise NothingSealed("Nothing is sealed yet.")
            return await asyncio.to_thread(_archive, rows, Prover(folder=self._store, checkpoint=checkpoint))
        except OSError as error:
            raise ProofsUnreadable(f"The tiles of the log cannot be read: {error.strerror}.") from error
        except ProofError as error:
            raise NotProved(str(error)) from error


async def _rows(conn: Connection, subject: UUID | int) -> Sequence[EventRow]:
    if isinstance(subject, UUID):
        return await rows_of(conn, subject)
    row = await row_at(conn, subject)
    return [] if row is None else [row]


def _archive(rows: Sequence[EventRow], prover: Prover) -> bytes:
    content, proved = io.BytesIO(), 0
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for row in rows:
            try:
                proof = prover.prove(row)
            except NotSealed:
                continue
            proved += 1
            for suffix, text in ((EVENT_SUFFIX, event_document(row)), (PROOF_SUFFIX, str(proof))):
                archive.writestr(zipfile.ZipInfo(f"{row[1]}{suffix}", _WHEN), text)
    if not proved:
        raise NothingSealed("It is not sealed yet: ask again in a moment.")
    return content.getvalue()
