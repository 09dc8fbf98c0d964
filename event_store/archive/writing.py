"""Writes the folder of an archive: the events, the tiles of their part of the tree, and what is said of both.

What is written last says that all is there. Until then nothing counts, and the same again writes it anew.
"""

import asyncio
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import orjson

from event_store.archive.archives import CHECKPOINT_FILE, EVENTS_FILE, MANIFEST_FILE
from event_store.archive.digest import digest_of
from event_store.archive.errors import ArchiveDiffers
from event_store.archive.events_file import SCHEMA, EventsFile, EventsFileWriter
from event_store.archive.sealed_part import Contents, SealedPart, verify
from event_store.proofs.log_rows import rows_after
from event_store.proofs.tile_folder import TileFolder
from event_store.proofs.tile_store import TileStore
from event_store.proofs.tiles import HEIGHT, Tile, pack_hashes, width_in
from event_store.proofs.tree import File
from event_store.store import Connection
from infra.files import whole_file

_RUN = 5_000
_TILES = 256
"""How many are written at once."""

Looked = Callable[[str, int], None]


async def written(
    connection: Connection,
    part: SealedPart,
    tiles: TileStore,
    folder: Path,
    *,
    partitions: int,
    looked: Looked = lambda _, __: None,
) -> tuple[Contents, bytes]:
    """Write the archive of a part of the log, or find it written; verify it as it is on the disk.

    Return what it has, and the digest of its file. Raises ArchiveDiffers, ProofError, OSError or psycopg.Error.
    """
    place = folder / part.positions.name
    if not (place / MANIFEST_FILE).exists():
        await asyncio.to_thread(place.mkdir, parents=True, exist_ok=True)
        await _write_events(connection, part, place / EVENTS_FILE, looked)
        await asyncio.to_thread(_copy_tiles, part, tiles, place)
    file = EventsFile(place / EVENTS_FILE)
    contents = await asyncio.to_thread(verify, file, part, tiles, partitions=partitions)
    looked("verified", contents.events)
    digest = await asyncio.to_thread(digest_of, file.path)
    await asyncio.to_thread(_write_manifest, part, place, digest)
    return contents, digest


def read_manifest(place: Path) -> dict[str, object] | None:
    """Return what is said of an archive; None: it is not whole. Raises OSError."""
    path = place / MANIFEST_FILE
    return orjson.loads(path.read_bytes()) if path.exists() else None


async def _write_events(connection: Connection, part: SealedPart, path: Path, looked: Looked) -> None:
    for left_over in path.parent.glob(f".{path.name}.*"):  # by a process that was killed
        left_over.unlink()
    with whole_file(path) as beside:
        writer = EventsFileWriter(beside, part.first_index)
        after, last = part.positions.first - 1, part.positions.until - 1
        try:
            reading = asyncio.create_task(rows_after(connection, after, limit=_RUN, up_to=last))
            while rows := await reading:
                reading = asyncio.create_task(rows_after(connection, rows[-1][0], limit=_RUN, up_to=last))
                await asyncio.to_thread(writer.add, rows)
                looked("written", len(rows))
        except BaseException:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
            writer.abandon()
            raise
        await asyncio.to_thread(writer.close)
    _sync(path.parent)


def _copy_tiles(part: SealedPart, tiles: TileStore, place: Path) -> None:
    """Copy the tiles of all levels that are above the part's leaves, as wide as the tree of its checkpoint has them."""
    into = TileFolder(place)
    last = part.first_index + part.count - 1
    level, files = 0, list[File]()
    while part.count and width_in(part.size, level, 0):
        for number in range(part.first_index >> HEIGHT * (level + 1), (last >> HEIGHT * (level + 1)) + 1):
            if width := width_in(part.size, level, number):
                tile = Tile(level, number, width)
                files.append(File(place=tile, content=pack_hashes(tiles.hashes(level, number, width))))
            if len(files) >= _TILES:
                into.write(files)
                files.clear()
        level += 1
    into.write(files)
    with whole_file(place / CHECKPOINT_FILE) as beside:
        beside.write_text(part.checkpoint, encoding="utf-8")


def _write_manifest(part: SealedPart, place: Path, digest: bytes) -> None:
    said = {
        "positions": [part.positions.first, part.positions.until - 1],
        "events": part.count,
        "first_index": part.first_index,
        "tree_size": part.size,
        "file": EVENTS_FILE,
        "sha256": digest.hex(),
        "columns": {each.name: str(each.type) for each in SCHEMA},
    }
    known = read_manifest(place)
    if known is not None:
        if {name: known.get(name) for name in ("positions", "events", "first_index", "sha256")} != {
            name: said[name] for name in ("positions", "events", "first_index", "sha256")
        }:
            raise ArchiveDiffers(f"{place / MANIFEST_FILE} says something else than the file is. Remedy: move it away")
        return
    with whole_file(place / MANIFEST_FILE) as beside:
        text = orjson.dumps({**said, "written_at": datetime.now(UTC)}, option=orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z)
        beside.write_bytes(text)
    _sync(place)
    _sync(place.parent)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
