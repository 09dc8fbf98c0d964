"""Log-ins of the staff, their recovery codes and locks: each change is an event and rows, in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from psycopg.rows import class_row

from domain.access.events import (
    RecoveryCodesMade,
    RecoveryCodeUsed,
    SecondFactor,
    SignInMethod,
    StaffEvent,
    StaffLocked,
    StaffSessionsEnded,
    StaffSignedIn,
    StaffUnlocked,
)
from domain.access.staff import StaffState, decide_staff, evolve_staff, evolve_unread_staff, staff_stream
from domain.errors import DomainError
from event_store.access.admin import AccessRefused
from event_store.access.recovery_codes import draw_codes, hash_codes, matches, parse_code
from event_store.decide import Decided, StillConflicting, StreamCommand, decide_and_append
from event_store.event_log import EventLog
from event_store.streams import Aggregate, LoadedStream
from infra.ids import uuid7
from infra.postgres.pool import Connection
from infra.postgres.queries import Queries
from schemas.envelope import NO_MERCHANT, EventMetadata
from schemas.events import STAFF_CODEC

QUERIES = Queries.load(Path(__file__).with_name("staff.sql"))

_STAFF = Aggregate[StaffState, StaffEvent](codec=STAFF_CODEC, evolve=evolve_staff, evolve_unread=evolve_unread_staff)


@dataclass(frozen=True, kw_only=True, slots=True)
class StaffLock:
    """How somebody is who was locked at some time: `actor`, `reason` and `changed_at` are of the last change."""

    name: str
    is_locked: bool
    actor: str
    reason: str
    changed_at: datetime
    lock_position: int
    """Of the event that locked them, or ended all their sessions, last."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LockChange:
    """What a lock or an unlock came to."""

    is_new: bool
    held: StaffLocked | None
    """The lock that held before."""
    is_known: bool
    """Whether anything was ever recorded of the name."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionsEnd:
    """The event that ended all sessions of somebody."""

    position: int
    position_before: int
    """Of the event that had locked them, or ended all their sessions, before; 0 for never."""


async def staff_locks(conn: Connection) -> Sequence[StaffLock]:
    """Return everybody who was locked, or had all their sessions ended, at some time, by name."""
    async with conn.cursor(row_factory=class_row(StaffLock)) as cursor:
        await cursor.execute(QUERIES["locks"])
        return await cursor.fetchall()


class StaffAccess:
    """What is recorded of somebody; `actor` is who does it, as events have it."""

    def __init__(self, conn: Connection, log: EventLog, *, name: str, actor: str) -> None:
        self._conn = conn
        self._log = log
        self._name = name
        self._actor = actor
        self._key = name.casefold()

    async def sign_in(self, *, role: str, second_factor: SecondFactor, method: SignInMethod | None = None) -> None:
        """Record that they began a session. Raises AccessRefused, also for who is locked."""
        event = StaffSignedIn(name=self._name, role=role, second_factor=second_factor, actor=self._actor, method=method)
        async with self._conn.transaction():
            await self._append(event)

    async def is_known(self) -> bool:
        """Return whether anything was ever recorded of the name."""
        stream_id = staff_stream(self._name)
        return bool((await self._log.load_many([stream_id]))[stream_id])

    async def codes_left(self) -> int:
        """Return how many recovery codes they have."""
        row = await (await self._conn.execute(QUERIES["count"], {"name": self._key})).fetchone()
        assert row is not None
        return int(row[0])

    async def make_codes(self, *, reason: str) -> Sequence[str]:
        """Give them new recovery codes, and return them, this once: the old ones open nothing. Raises AccessRefused."""
        codes = draw_codes()
        hashes = await hash_codes(codes)
        async with self._conn.transaction():
            await self._append(
                RecoveryCodesMade(name=self._name, codes=len(codes), actor=self._actor, reason=reason)
            )  # first: the stream's row is locked by it, so two at the same instant come one after the other
            await self._conn.execute(QUERIES.remove, {"name": self._key})
            await self._conn.execute(QUERIES.add, {"name": self._key, "hashes": hashes})
        return codes

    async def use_code(self, written: str) -> int:
        """Use a recovery code up; return how many are left.

        Raises AccessRefused for one that opens nothing, and for who is locked: it stays then.
        """
        if (parsed := parse_code(written)) is None:
            raise _no_code()
        number, secret = parsed
        place: dict[str, Any] = {"name": self._key, "number": number}
        row = await (await self._conn.execute(QUERIES.hash_of, place)).fetchone()
        if row is None or not await matches(row[0], secret):
            raise _no_code()
        async with self._conn.transaction():
            taken = await (await self._conn.execute(QUERIES["take"], place | {"hash": row[0]})).fetchone()
            if taken is None:
                raise _no_code()
            left = await self.codes_left()
            await self._append(RecoveryCodeUsed(name=self._name, number=number, left=left, actor=self._actor))
        return left

    async def lock(self, *, reason: str) -> LockChange:
        """Keep them out until they are unlocked. Raises AccessRefused."""
        return await self._change_lock(StaffLocked(name=self._name, actor=self._actor, reason=reason))

    async def unlock(self, *, reason: str) -> LockChange:
        """Let them log in again. Raises AccessRefused."""
        return await self._change_lock(StaffUnlocked(name=self._name, actor=self._actor, reason=reason))

    async def end_sessions(self, *, reason: str) -> SessionsEnd:
        """End all sessions that they have. Raises AccessRefused."""
        async with self._conn.transaction():
            decided = await self._append(
                StaffSessionsEnded(name=self._name, actor=self._actor, reason=reason)
            )  # first: the stream's row is locked by it, so nobody changes the row of the lock in between
            row = await (await self._conn.execute(QUERIES["lock_position"], {"name": self._key})).fetchone()
            await self._conn.execute(QUERIES.keep_end_of_sessions, {"position": decided.position})
        return SessionsEnd(position=decided.position, position_before=0 if row is None else row[0])

    async def _change_lock(self, event: StaffLocked | StaffUnlocked) -> LockChange:
        async with self._conn.transaction():
            decided = await self._append(event)
            if decided.events:
                await self._conn.execute(QUERIES.keep_lock, {"position": decided.position})
        before = decided.before.state
        return LockChange(
            is_new=bool(decided.events), held=None if before is None else before.lock, is_known=before is not None
        )

    async def _append(self, event: StaffEvent) -> Decided[StaffState, StaffEvent]:
        def decide(loaded: LoadedStream[StaffState]) -> Sequence[StaffEvent]:
            return decide_staff(loaded.state, event)

        metadata = EventMetadata(correlation_id=f"access-{uuid7()}", actor=self._actor, merchant_id=NO_MERCHANT)
        stream_id = staff_stream(self._name)
        command = StreamCommand(stream_id=stream_id, metadata=metadata, decide=decide)
        try:
            decided = await decide_and_append(self._log, _STAFF, [command])
        except DomainError as error:
            raise AccessRefused(str(error)) from error
        except StillConflicting as error:
            raise AccessRefused("Somebody changes this name, or logs in by it, at this moment: try again.") from error
        return decided[stream_id]


def _no_code() -> AccessRefused:
    return AccessRefused("That is none of the recovery codes that are left.")
