"""Where the sandbox keeps its objects and idempotency records: one SQLite file, or memory.

A request's objects and its idempotency record are one transaction, so that a kill at any instant leaves both or
neither; requests that come together share a commit (`commits.py`), and no answer is sent before it. The file survives
`kill -9`: with a write-ahead log a commit has reached the operating system. Everything runs on the event loop's
thread, one transaction at a time.
"""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias, TypeVar

import orjson

from infra.errors import ProcessFailed
from infra.stripe_sandbox.records import Record, state_of
from infra.stripe_sandbox.statements import EMPTY, SCHEMA_VERSION, UPGRADABLE, schema, statements

R = TypeVar("R", bound=Record)
Value: TypeAlias = "str | float | bytes | None"
FOREVER = 2**62


class StoreError(ProcessFailed):
    """The sandbox's file cannot be used: another process has it, or another version wrote it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredAnswer:
    """The answer to a request with an idempotency key."""

    fingerprint: str
    request_id: str
    status: int
    body: bytes


class Store:
    """Objects by account and kind. Raises StoreError when the file cannot be opened."""

    def __init__(self, path: Path | None = None) -> None:
        self._sql = statements()
        self._connection = _open(path)
        self._encoded: dict[int, tuple[Record, bytes]] = {}
        self.uncommitted = False
        self.next_due = self._read_next_due()

    def close(self) -> None:
        """Commit what is left and release the file."""
        self.commit()
        self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Do everything inside, or nothing if an exception leaves. It is durable after the next `commit`."""
        if not self.uncommitted:
            self._connection.execute("BEGIN IMMEDIATE")
            self.uncommitted = True
        self._connection.execute("SAVEPOINT request")
        self._encoded.clear()
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK TO request")
            self._connection.execute("RELEASE request")
            self.next_due = self._read_next_due()
            raise
        self._connection.execute("RELEASE request")

    def commit(self) -> None:
        """Make all transactions since the last commit durable, or none of them when this raises sqlite3.Error."""
        if not self.uncommitted:
            return
        self.uncommitted = False
        try:
            self._connection.execute("COMMIT")
        except sqlite3.Error:
            self._connection.rollback()
            self.next_due = self._read_next_due()
            raise

    def execute(self, name: str, **parameters: Value) -> sqlite3.Cursor:
        """Run one of the named statements; changes belong inside a `transaction`."""
        return self._connection.execute(self._sql[name], parameters)

    def encoded(self, record: Record) -> bytes:
        """Return a record's state as JSON, made once for the object and the events that tell of it."""
        known = self._encoded.get(id(record))
        if known is None or known[0] is not record:
            known = self._encoded[id(record)] = (record, orjson.dumps(state_of(record)))
        return known[1]

    # --- objects ---

    def insert(self, account: str, record: Record) -> None:
        """Add a new object."""
        self.execute(
            "insert_object",
            account=account,
            kind=record.KIND,
            id=record.id,
            payment_intent=record.intent_id,
            created=record.created,
            body=self.encoded(record).decode(),
        )
        self._index(account, record, before={})

    def update(self, account: str, record: Record, *, before: Record) -> None:
        """Replace an object's state with the next one."""
        self.execute("update_object", account=account, id=record.id, body=self.encoded(record).decode())
        if record.metadata != before.metadata:
            self._index(account, record, before=before.metadata)

    def get(self, model: type[R], account: str, object_id: str) -> R | None:
        """Return an account's object, or None."""
        row = self.execute("get_object", account=account, kind=model.KIND, id=object_id).fetchone()
        return None if row is None else model(**orjson.loads(row[0]))

    def locate(self, model: type[R], object_id: str) -> tuple[str, R] | None:
        """Return an object of any account, with the account, or None."""
        row = self.execute("locate_object", kind=model.KIND, id=object_id).fetchone()
        return None if row is None else (row[0], model(**orjson.loads(row[1])))

    def position(self, model: type[Record], account: str, object_id: str) -> int | None:
        """Return where an object stands in the order of creation, or None."""
        row = self.execute("position_of", account=account, kind=model.KIND, id=object_id).fetchone()
        return None if row is None else int(row[0])

    def newest_first(
        self, model: type[R], account: str, *, count: int, edge: int = FOREVER, created: range = range(FOREVER)
    ) -> Iterator[tuple[int, R]]:
        """Yield objects below a position, with theirs, newest first."""
        rows = self.execute(
            "newest_first",
            account=account,
            kind=model.KIND,
            edge=edge,
            created_from=created.start,
            created_to=created.stop - 1,
            count=count,
        )
        return ((seq, model(**orjson.loads(body))) for seq, body in rows)

    def oldest_first(
        self, model: type[R], account: str, *, count: int, edge: int, created: range = range(FOREVER)
    ) -> Iterator[tuple[int, R]]:
        """Yield objects above a position, with theirs, oldest first."""
        rows = self.execute(
            "oldest_first",
            account=account,
            kind=model.KIND,
            edge=edge,
            created_from=created.start,
            created_to=created.stop - 1,
            count=count,
        )
        return ((seq, model(**orjson.loads(body))) for seq, body in rows)

    def of_intent(self, model: type[R], account: str, intent_id: str) -> Iterator[tuple[int, R]]:
        """Yield the objects that belong to a payment intent, newest first."""
        rows = self.execute("of_intent", account=account, kind=model.KIND, payment_intent=intent_id)
        return ((seq, model(**orjson.loads(body))) for seq, body in rows)

    def by_metadata(
        self, model: type[R], account: str, key: str, value: str, *, below: int = FOREVER
    ) -> Iterator[tuple[int, R]]:
        """Yield the payment intents that carry a metadata entry, newest first."""
        rows = self.execute("intents_by_metadata", account=account, key=key, value=value, below=below)
        return ((seq, model(**orjson.loads(body))) for seq, body in rows)

    # --- the whole, for the control panel ---

    def everything(self, model: type[R]) -> Iterator[R]:
        """Yield all objects of a kind, of every account, oldest first."""
        return (model(**orjson.loads(body)) for (body,) in self.execute("everything", kind=model.KIND))

    def counts(self) -> dict[str, dict[str, int]]:
        """Return how many objects there are by kind and status, and how many idempotency records."""
        counted: dict[str, dict[str, int]] = {}
        for kind, status, count in self.execute("counts"):
            counted.setdefault(kind, {})[status or "total"] = count
        return counted

    def count_keys(self) -> int:
        """Return how many answers are kept for idempotency keys."""
        return int(self.execute("count_keys").fetchone()[0])

    def reset(self) -> None:
        """Forget everything."""
        with self.transaction():
            for name in self._sql:
                if name.startswith("forget_"):
                    self.execute(name)
        self.next_due = None

    # --- idempotency ---

    def find_answer(self, account: str, key: str, *, since: float) -> StoredAnswer | None:
        """Return the answer that a request with this key got after a time (unix seconds), or None."""
        row = self.execute("find_key", account=account, key=key, since=since).fetchone()
        if row is None:
            return None
        return StoredAnswer(fingerprint=row[0], request_id=row[1], status=row[2], body=row[3])

    def keep_answer(self, account: str, key: str, answer: StoredAnswer, *, now: float, until: float) -> None:
        """Keep the answer for the key; part of the request's transaction. Forgets some of those kept `until` then."""
        self.execute("prune_keys", until=until)
        self.execute(
            "insert_key",
            account=account,
            key=key,
            fingerprint=answer.fingerprint,
            request_id=answer.request_id,
            status=answer.status,
            body=answer.body,
            created=now,
        )

    # --- what changes by itself ---

    def schedule(self, object_id: str, due: float) -> None:
        """Remember that an object changes by itself at a time (unix seconds); it replaces the time said before."""
        self.execute("schedule", id=object_id, due=due)
        self.next_due = due if self.next_due is None else min(self.next_due, due)

    def due(self, now: float) -> list[str]:
        """Return the objects whose time has come."""
        found = [row[0] for row in self.execute("due", now=now)]
        if not found:
            self.next_due = self._read_next_due()
        return found

    def unschedule(self, object_id: str) -> None:
        """Forget an object that has changed."""
        self.execute("unschedule", id=object_id)
        self.next_due = self._read_next_due()

    def _read_next_due(self) -> float | None:
        row: tuple[float | None] = self.execute("next_due").fetchone()
        return row[0]

    def _index(self, account: str, record: Record, *, before: Mapping[str, str]) -> None:
        if record.KIND != "payment_intent":
            return
        for name, entries in (
            ("delete_metadata", before.items() - record.metadata.items()),
            ("insert_metadata", record.metadata.items() - before.items()),
        ):
            for key, value in entries:
                self.execute(name, account=account, key=key, value=value, id=record.id)


def _open(path: Path | None) -> sqlite3.Connection:
    try:
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        # The store may be built on one thread and served on another, never used by two at once.
        connection = sqlite3.connect(path or ":memory:", isolation_level=None, check_same_thread=False, timeout=1)
        # One process owns the file: this refuses a second one, and saves the shared-memory index.
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("PRAGMA journal_mode = WAL")
        # Not synced at each commit: the file outlives the process, not a power cut.
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA wal_autocheckpoint = 4000")
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version in {EMPTY, *UPGRADABLE}:
            connection.executescript(f"BEGIN IMMEDIATE;{schema(version)}PRAGMA user_version = {SCHEMA_VERSION};COMMIT;")
        else:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("COMMIT")
    except (sqlite3.Error, OSError) as error:
        raise StoreError(f"cannot use the sandbox's data file {path}: {error}") from error
    if version not in {EMPTY, *UPGRADABLE, SCHEMA_VERSION}:
        connection.close()
        raise StoreError(f"the sandbox's data file {path} is of version {version}, not {SCHEMA_VERSION}: remove it")
    return connection
