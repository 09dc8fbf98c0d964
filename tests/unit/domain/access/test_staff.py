"""A lock holds until it is taken back: what comes in between of the same kind changes nothing."""

from functools import reduce

import pytest

from domain.access.errors import LocksThemselves, StaffIsLocked, StaffNotReadable
from domain.access.events import (
    RecoveryCodesMade,
    RecoveryCodeUsed,
    StaffEvent,
    StaffLocked,
    StaffSessionsEnded,
    StaffSignedIn,
    StaffUnlocked,
)
from domain.access.staff import StaffState, decide_staff, evolve_staff, evolve_unread_staff, staff_stream

LOCKED = StaffLocked(name="anna", actor="api:k/olga", reason="a lost laptop")
UNLOCKED = StaffUnlocked(name="anna", actor="api:k/olga", reason="it was found")
SIGNED_IN = StaffSignedIn(name="anna", role="support", second_factor="none", actor="api:k/anna")
CODE_USED = RecoveryCodeUsed(name="anna", number=3, left=9, actor="api:k/anna")
CODES_MADE = RecoveryCodesMade(name="anna", codes=10, actor="operator:root", reason="a new phone")


def after(*events: StaffEvent) -> StaffState | None:
    return reduce(evolve_staff, events, None)


@pytest.mark.parametrize("before", [(), (SIGNED_IN,), (LOCKED, UNLOCKED), (CODES_MADE,)])
def test_who_is_not_locked_logs_in_and_is_locked(before: tuple[StaffEvent, ...]) -> None:
    for event in (SIGNED_IN, CODE_USED, LOCKED):
        assert decide_staff(after(*before), event) == [event]
    assert decide_staff(after(*before), UNLOCKED) == []


@pytest.mark.parametrize("before", [(LOCKED,), (SIGNED_IN, LOCKED, CODES_MADE), (LOCKED, UNLOCKED, LOCKED)])
def test_who_is_locked_logs_in_by_nothing(before: tuple[StaffEvent, ...]) -> None:
    for event in (SIGNED_IN, CODE_USED):
        with pytest.raises(StaffIsLocked, match="anna is locked"):
            decide_staff(after(*before), event)
    assert decide_staff(after(*before), LOCKED) == []
    assert decide_staff(after(*before), UNLOCKED) == [UNLOCKED]
    assert decide_staff(after(*before), CODES_MADE) == [CODES_MADE]


def test_who_is_locked_ends_no_sessions_of_their_own_and_others_do() -> None:
    """Whoever ends their own keeps the one that does it: a lock that is not seen there yet must not be outlived."""
    by_anna, by_olga = (
        StaffSessionsEnded(name="Anna", actor=f"api:k/{person}", reason="x") for person in ("anna", "olga")
    )
    assert decide_staff(after(LOCKED, UNLOCKED), by_anna) == [by_anna]
    assert decide_staff(after(LOCKED), by_olga) == [by_olga]
    with pytest.raises(StaffIsLocked):
        decide_staff(after(LOCKED), by_anna)


@pytest.mark.parametrize("later", [(), (UNLOCKED,), (LOCKED, UNLOCKED)])
def test_what_cannot_be_read_may_be_a_lock_and_keeps_nobody_from_locking(later: tuple[StaffEvent, ...]) -> None:
    state = reduce(evolve_staff, later, evolve_unread_staff(after(SIGNED_IN)))
    by_anna, by_olga = (
        StaffSessionsEnded(name="anna", actor=f"api:k/{person}", reason="x") for person in ("anna", "olga")
    )
    for opens in (SIGNED_IN, CODE_USED, UNLOCKED, by_anna):
        with pytest.raises(StaffNotReadable, match="all that is recorded of anna, which may be a lock"):
            decide_staff(state, opens)
    for opens_nothing in (LOCKED, CODES_MADE, by_olga):
        assert decide_staff(state, opens_nothing) == [opens_nothing]


def test_a_lock_after_which_something_cannot_be_read_is_recorded_again() -> None:
    state = evolve_unread_staff(after(LOCKED))
    assert decide_staff(state, LOCKED) == [LOCKED]
    with pytest.raises(StaffIsLocked):
        decide_staff(state, SIGNED_IN)


@pytest.mark.parametrize("actor", ["api:k/anna", "api:k/ANNA"])
def test_nobody_locks_themselves_out(actor: str) -> None:
    with pytest.raises(LocksThemselves):
        decide_staff(None, StaffLocked(name="Anna", actor=actor, reason="x"))


@pytest.mark.parametrize("actor", ["api:anna", "operator:anna", "api:anna/olga"])
def test_a_key_of_the_same_name_is_nobody(actor: str) -> None:
    assert decide_staff(None, StaffLocked(name="anna", actor=actor, reason="x"))


def test_case_of_a_name_does_not_matter() -> None:
    assert staff_stream("Anna") == staff_stream("anna") != staff_stream("bo")
