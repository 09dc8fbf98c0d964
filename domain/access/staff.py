"""Somebody of the staff, whose stream tells of their log-ins, recovery codes and locks."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID, uuid5

from domain.access.errors import LocksThemselves, StaffIsLocked
from domain.access.events import RecoveryCodeUsed, StaffEvent, StaffLocked, StaffSignedIn, StaffUnlocked

_STAFF = UUID("0d7a3b0e-62a4-5f7c-9b52-6c1f6f1d2e90")


def staff_stream(name: str) -> UUID:
    """Return the stream of a name; upper and lower case are the same, as at the log-in."""
    return uuid5(_STAFF, name.casefold())


@dataclass(frozen=True, kw_only=True, slots=True)
class StaffState:
    """Somebody as their events tell it. `lock` is the one that holds; None: they may log in."""

    lock: StaffLocked | None = None


def decide_staff(state: StaffState | None, event: StaffEvent) -> Sequence[StaffEvent]:
    """Return what is recorded: nothing of a lock that holds already, or of an unlock where none does.

    Raises StaffIsLocked for a log-in, with or without a recovery code, of who is locked, and LocksThemselves.
    """
    lock = None if state is None else state.lock
    match event:
        case StaffLocked():
            if _person(event.actor) == event.name.casefold():
                raise LocksThemselves
            return [] if lock is not None else [event]
        case StaffUnlocked():
            return [] if lock is None else [event]
        case StaffSignedIn() | RecoveryCodeUsed() if lock is not None:
            raise StaffIsLocked(lock.name)
    return [event]


def evolve_staff(state: StaffState | None, event: StaffEvent) -> StaffState:
    """Return somebody after an event."""
    match event:
        case StaffLocked():
            return StaffState(lock=event)
        case StaffUnlocked():
            return StaffState()
    return state or StaffState()


def _person(actor: str) -> str:
    """Return the name that an actor, `api:<key id>/<name>`, has; empty where it names a key alone."""
    return actor.partition("/")[2].casefold()
