"""Compares the log with what was sealed of it.

The statements of the events are made anew from the database, and the root of their tree is compared with the one that
was signed. When it is the same, every event is as it was sealed. When not, the entries in the folder tell which are
not. Who holds the key can seal another log: only a checkpoint that was kept elsewhere shows that, or that witnesses
have not signed the new one.
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from event_store.archive.digest import digest_of
from event_store.archive.one_log import OneLog
from event_store.proofs.checkpoint import Checkpoint, open_checkpoint
from event_store.proofs.cosignatures import cosignatures_between, newest_cosignature
from event_store.proofs.cosigners import LONGEST_WAIT, Cosigners
from event_store.proofs.differences import Differences
from event_store.proofs.errors import MalformedProof, ProofError, ProofRefused
from event_store.proofs.log_rows import tail_after
from event_store.proofs.merkle import inclusion_proof, leaf_hash, verify_inclusion
from event_store.proofs.note import Note, PublicKey, signed_also
from event_store.proofs.places import entry_at, first_index_from
from event_store.proofs.report import Finding, Kind, Verified
from event_store.proofs.sealed_log import SealedCheckpoint, checkpoint_of, checkpoint_pages, newest_checkpoint
from event_store.proofs.statement import EventRow, Statement, entry_as_found
from event_store.proofs.tile_store import TileStore
from event_store.proofs.tiles import WIDTH
from event_store.proofs.tree import File, TiledTree, TileReader
from event_store.proofs.witnesses import Quorum
from event_store.store import Connection

_RUN = 5_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """A checkpoint as it was found, and where."""

    where: str
    written: str


class NothingSealed(ProofError):
    """There is no checkpoint to compare with."""


class Verification:
    """One comparison: of all events, or of those from a position on; `full` compares every file and checkpoint too."""

    def __init__(
        self,
        connection: Connection,
        folder: TileStore,
        keys: Sequence[PublicKey],
        *,
        quorum: Quorum | None = None,
        full: bool = False,
        looked_at: Callable[[int], None] = lambda _: None,
        log: OneLog | None = None,
    ) -> None:
        """`log` has what is archived of it; None: nothing is."""
        self._connection = connection
        self._log = log or OneLog(connection)
        self._folder = folder
        self._keys = keys
        self._full = full
        self._looked_at = looked_at
        self._cosigners = Cosigners(quorum or Quorum())
        self._found = Verified()
        self._roots: dict[int, list[tuple[str, bytes]]] = {}
        self._altered: list[Finding] = []

    async def run(self, *, since: int | datetime | None = None, others: Sequence[Source] = ()) -> Verified:
        """Return what was found. Raises NothingSealed, OSError or psycopg.Error.

        `since`: a position, or a moment, which is found by what was sealed: the log's own times may be altered.
        """
        found = self._found
        await self._collect(others)
        if not self._roots:
            if found.findings:
                return found
            raise NothingSealed("nothing is sealed yet: neither the table nor the folder has a checkpoint")
        found.size = max(self._roots)
        try:
            found.first_index, after = await asyncio.to_thread(self._begin, since)
            tree = TiledTree(found.first_index, self._folder.hashes if found.first_index else None)
        except (ProofError, OSError) as error:
            self._add("tiles", f"what was sealed before cannot be read: {error}")
            return found
        held = await self._compare_roots(tree, after)
        if not held:
            await self._name_differences(after)
        await asyncio.to_thread(self._look_at_witnesses)
        await self._look_at_archives()
        await self._look_at_tail()
        return found

    async def _collect(self, others: Sequence[Source]) -> None:
        newest, written = await newest_checkpoint(self._connection), None
        try:
            written = await asyncio.to_thread(self._folder.checkpoint)
        except MalformedProof as error:
            self._add("checkpoint", f"of the folder: {error}")
        sources = [*others]
        if newest is not None:
            sources.append(Source(where="the table", written=newest.note))
        if written is not None:
            sources.append(Source(where="the folder", written=written))
        for source in sources:
            self._take(source)
        for key in self._cosigners.quorum.keys:
            await self._take_newest_of(key)
        if self._full:
            async for page in checkpoint_pages(self._connection):
                await self._take_page(page)

    async def _take_newest_of(self, witness: PublicKey) -> None:
        """Take the largest checkpoint of the table that a witness signed."""
        newest = await newest_cosignature(self._connection, witness)
        if newest is None:
            return
        signed = await checkpoint_of(self._connection, newest.size)
        if signed is None:
            self._add("witnesses", f"{witness.name} has signed a tree of {newest.size}, which the table lacks")
        else:
            self._take(Source(where=f"the table, size {newest.size}", written=signed.note), [newest.line])

    async def _take_page(self, page: Sequence[SealedCheckpoint]) -> None:
        lines = defaultdict[int, list[str]](list)
        if self._cosigners.quorum.keys:
            for cosignature in await cosignatures_between(self._connection, page[0].size - 1, page[-1].size):
                lines[cosignature.size].append(cosignature.line)
        for each in page:
            taken = self._take(Source(where=f"the table, size {each.size}", written=each.note), lines[each.size])
            if taken is not None and (taken.size, taken.root) != (each.size, each.root):
                self._add("checkpoint", f"the table has another size or root than was signed at {taken.size}")

    def _take(self, source: Source, cosignatures: Sequence[str] = ()) -> Checkpoint | None:
        try:
            checkpoint = open_checkpoint(source.written, self._keys)
            wrong = self._cosigners.look_at(checkpoint, signed_also(Note.parse(source.written), cosignatures))
        except (MalformedProof, ProofRefused) as error:
            self._add("checkpoint", f"of {source.where}: {error}")
            return None
        for name in wrong:
            self._add("witnesses", f"of {source.where}: the signature of {name} is of something else")
        known = self._roots.setdefault(checkpoint.size, [])
        if checkpoint.root not in [root for _, root in known]:
            known.append((source.where, checkpoint.root))
        return checkpoint

    def _begin(self, since: int | datetime | None) -> tuple[int, int]:
        """Return the index to begin with, at the edge of a tile, and the position before its event."""
        if since is None:
            return 0, 0
        index = first_index_from(self._folder, self._found.size, since) // WIDTH * WIDTH
        if index == 0:
            return 0, 0
        before = entry_at(self._folder, self._found.size, index - 1)
        self._require_sealed(index - 1, before)
        return index, Statement.parse(before).position

    def _require_sealed(self, index: int, entry: bytes) -> None:
        """Raise ProofRefused unless the entry is in a tree that was signed."""
        size = self._found.size
        path = inclusion_proof(index, size, TileReader(size, self._folder.hashes).subtree)
        for _, root in self._roots[size]:
            with suppress(ProofRefused):
                verify_inclusion(index, size, leaf_hash(entry), path, root)
                return
        raise ProofRefused(f"entry {index} is not the one that was sealed, or its tiles are not")

    async def _compare_roots(self, tree: TiledTree, after: int) -> bool:
        """Return whether every root is that of the log; add those that are not."""
        sizes = deque(sorted(size for size in self._roots if size >= tree.size))
        held = not sizes or tree.size != sizes[0] or self._compare_root(sizes.popleft(), tree)
        self._found.last_position = after
        async for rows in self._batches(after, self._found.size - tree.size):
            held &= await asyncio.to_thread(self._grow, tree, rows, sizes)
            self._found.compared += len(rows)
            self._found.last_position = rows[-1][0]
            self._looked_at(len(rows))
        for size in sizes:
            self._add("checkpoint", f"{self._sources(size)}: {size} events were sealed, the log has {tree.size}")
        if self._full and held and not sizes:
            await asyncio.to_thread(self._compare_files, tree.partial())
            self._found.findings += self._altered
        return held and not sizes

    async def _batches(self, after: int, count: int) -> AsyncIterator[list[EventRow]]:
        """Give the next events; the next ones are fetched while somebody works on those."""
        reading = asyncio.create_task(self._read(after, count))
        try:
            while rows := await reading:
                after, count = rows[-1][0], count - len(rows)
                reading = asyncio.create_task(self._read(after, count))
                yield rows
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    async def _read(self, after: int, count: int) -> list[EventRow]:
        return await self._log.rows_after(after, limit=min(_RUN, count)) if count > 0 else []

    def _grow(self, tree: TiledTree, rows: Sequence[EventRow], sizes: deque[int]) -> bool:
        entries, at, held = [entry_as_found(row) for row in rows], 0, True
        while at < len(entries):
            some = entries[at : at + sizes[0] - tree.size]
            at += len(some)
            if self._full:
                self._compare_files(tree.extend(some))
            else:
                tree.add([leaf_hash(entry) for entry in some])
            if tree.size == sizes[0]:
                held &= self._compare_root(sizes.popleft(), tree)
        return held

    def _compare_root(self, size: int, tree: TiledTree) -> bool:
        root = tree.root()
        others = [where for where, signed in self._roots[size] if signed != root]
        for where in others:
            self._add("checkpoint", f"of {where}: the first {size} events are not those that were signed")
        return not others

    def _compare_files(self, files: Sequence[File]) -> None:
        for file in files:
            content = self._folder.content(file.place)
            if content != file.content:
                detail = f"{file.place.path} {'is missing' if content is None else 'is not what was sealed'}"
                self._altered.append(Finding(kind="tiles", detail=detail))

    async def _name_differences(self, after: int) -> None:
        found = self._found
        differences = Differences(
            self._connection, self._folder, found.size, looked_at=self._looked_at, rows_after=self._log.rows_after
        )
        found.findings += await differences.find(found.first_index, after)
        root = differences.entries_root
        if root is not None and root not in [signed for _, signed in self._roots[found.size]]:
            self._add("tiles", "the entries in the folder are not those that were signed: what they name may be wrong")

    def _look_at_witnesses(self) -> None:
        found, needed = self._found, self._cosigners.quorum.needed
        found.cosigned, found.witnessed = self._cosigners.cosigned, self._cosigners.witnessed
        if not needed or found.witnessed >= found.size:
            return
        required = f"{needed} of {len(self._cosigners.quorum.keys)} witnesses"
        if found.witnessed == 0:
            self._add("witnesses", f"nothing that is sealed was signed by {required}")
            return
        try:
            first = Statement.parse(entry_at(self._folder, found.size, found.witnessed))
            waits = datetime.now(UTC) - datetime.fromisoformat(first.recorded_at)
        except (ProofError, OSError, ValueError):
            return  # it was said before that the tiles cannot be read
        if waits > LONGEST_WAIT:
            self._add(
                "witnesses",
                f"{found.size - found.witnessed} sealed events, the first recorded at {first.recorded_at}, were not "
                f"signed by {required}",
            )

    async def _look_at_archives(self) -> None:
        for position in sorted(set(self._log.differing)):
            detail = "the file of the archive has another event here than the log"
            self._found.findings.append(Finding(kind="archive", detail=detail, position=position))
        for archive, path in self._log.paths if self._full else ():
            if await asyncio.to_thread(digest_of, path) != archive.sha256:
                self._add("archive", f"{path} is not the file that was archived")

    async def _look_at_tail(self) -> None:
        try:
            last = await asyncio.to_thread(entry_at, self._folder, self._found.size, self._found.size - 1)
            self._found.last_position = Statement.parse(last).position
        except (ProofError, OSError):
            pass  # it was said before that the folder cannot be read, or nothing had to be read there
        tail = await tail_after(self._connection, self._found.last_position)
        self._found.unsealed, self._found.unsealed_from, self._found.unsealed_to = tail.count, tail.first, tail.last

    def _sources(self, size: int) -> str:
        return "of " + ", ".join(where for where, _ in self._roots[size])

    def _add(self, kind: Kind, detail: str) -> None:
        self._found.findings.append(Finding(kind=kind, detail=detail))
