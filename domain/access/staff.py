"""Somebody of the staff, whose stream tells of their log-ins, recovery codes and locks."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID, uuid5

from domain.access.errors import LocksThemselves, StaffIsLocked, StaffNotReadable
from domain.access.events import (
    RecoveryCodeUsed,
    StaffEvent,
    StaffLocked,
    StaffSessionsEnded,
    StaffSignedIn,
    StaffUnlocked,
)

_STAFF = UUID("0d7a3b0e-62a4-5f7c-9b52-6c1f6f1d2e90")


def staff_stream(name: str) -> UUID:
    """Return the stream of a name; upper and lower case are the same, as at the log-in."""
    return uuid5(_STAFF, name.casefold())


@dataclass(frozen=True, kw_only=True, slots=True)
class StaffState:
    """Somebody as their events tell it. `lock` is the one that holds; None: they may log in, if all could be read."""

    lock: StaffLocked | None = None
    has_unread: bool = False
    """Whether an event could not be read, of a newer release for instance: it may keep them out."""


def decide_staff(state: StaffState | None, event: StaffEvent) -> Sequence[StaffEvent]:
    """Return what is recorded: nothing of a lock that holds already, or of an unlock where none does.

    Raises StaffIsLocked for a log-in, with or without a recovery code, of who is locked, and where they end their own
    sessions, of which the one that does it would stay; StaffNotReadable for the same, and for an unlock, where not all
    that is recorded of them can be read: they can be locked then, and nothing else. Raises LocksThemselves.
    """
    state = state or StaffState()
    is_their_own = _person(event.actor) == event.name.casefold()
    match event:
        case StaffLocked():
            if is_their_own:
                raise LocksThemselves
            return [] if state.lock is not None and not state.has_unread else [event]
        case StaffUnlocked():
            _require_readable(state, event)
            return [] if state.lock is None else [event]
        case StaffSignedIn() | RecoveryCodeUsed():
            _require_not_locked(state, event)
        case StaffSessionsEnded() if is_their_own:
            _require_not_locked(state, event)
    return [event]


def _require_not_locked(state: StaffState, event: StaffEvent) -> None:
    if state.lock is not None:
        raise StaffIsLocked(state.lock.name)
    _require_readable(state, event)


def _require_readable(state: StaffState, event: StaffEvent) -> None:
    if state.has_unread:
        raise StaffNotReadable(event.name)


def evolve_staff(state: StaffState | None, event: StaffEvent) -> StaffState:
    """Return somebody after an event."""
    match event:
        case StaffLocked():
            return replace(state or StaffState(), lock=event)
        case StaffUnlocked():
            return replace(state or StaffState(), lock=None)
    return state or StaffState()


def evolve_unread_staff(state: StaffState | None) -> StaffState:
    """Return somebody after an event that this release cannot read."""
    return replace(state or StaffState(), has_unread=True)


def _person(actor: str) -> str:
    """Return the name that an actor, `api:<key id>/<name>`, has; empty where it names a key alone."""
    return actor.partition("/")[2].casefold()
