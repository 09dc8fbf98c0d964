"""What a witness has signed last of each log: one SQLite file, the only thing that it must never forget.

A commit is on the disk when it returns. Whoever looks and then keeps holds the file's write lock between the two, also
against another process on the same file.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from event_store.proofs.checkpoint import Checkpoint
from event_store.proofs.errors import ProofError
from event_store.proofs.merkle import EMPTY_ROOT
from infra.postgres.queries import Queries

QUERIES = Queries.load(Path(__file__).with_name("state.sql"))
LARGEST_SIZE = 2**63 - 1
_LOCK_TIMEOUT_S = 5.0


class StateUnusable(ProofError):
    """The file cannot be read or written, or is none of a witness."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Newest:
    """What was signed last. Of a log that was never seen, a tree of nothing."""

    size: int = 0
    root: bytes = EMPTY_ROOT
    note: str | None = None


class WitnessState:
    """Opens its file for each use, so it may be used by several threads. Its methods block."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def make(self) -> None:
        """Make the file. Raises StateUnusable, also when there is one."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.touch(mode=0o600, exist_ok=False)
        except OSError as error:
            raise StateUnusable(f"{self._path} cannot be made: {error.strerror}") from None
        with self._open() as connection:
            connection.execute(QUERIES.make)

    def check(self) -> None:
        """Raise StateUnusable unless it can be read and written. A file that is not there is not made."""
        with self._open() as connection, _writing(connection):
            connection.execute(QUERIES.count).fetchone()

    def newest(self, origin: str) -> Newest:
        """Return what was signed last of a log. Raises StateUnusable."""
        with self._open() as connection:
            return _newest(connection, origin)

    @contextmanager
    def advancing(self, origin: str) -> Iterator["Advance"]:
        """Lend the place of one log; nobody else changes it meanwhile. What was kept lasts when the block has ended.

        Raises StateUnusable.
        """
        with self._open() as connection, _writing(connection):
            yield Advance(connection, _newest(connection, origin))

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        uri = f"{self._path.resolve().as_uri()}?mode=rw"
        try:
            with closing(sqlite3.connect(uri, uri=True, isolation_level=None, timeout=_LOCK_TIMEOUT_S)) as connection:
                connection.execute("PRAGMA synchronous = EXTRA")  # the folder, too, is on the disk after a commit
                yield connection
        except sqlite3.Error as error:
            raise StateUnusable(f"{self._path} cannot be used: {error}") from error


class Advance:
    """The place of one log, while nobody else can change it."""

    def __init__(self, connection: sqlite3.Connection, newest: Newest) -> None:
        self._connection = connection
        self.newest = newest

    def keep(self, checkpoint: Checkpoint, note: str) -> None:
        """Make a checkpoint the newest."""
        row = {"origin": checkpoint.origin, "size": checkpoint.size, "root": checkpoint.root, "note": note}
        self._connection.execute(QUERIES.keep, row)


@contextmanager
def _writing(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _newest(connection: sqlite3.Connection, origin: str) -> Newest:
    row = connection.execute(QUERIES.newest, {"origin": origin}).fetchone()
    return Newest() if row is None else Newest(size=row[0], root=row[1], note=row[2])
