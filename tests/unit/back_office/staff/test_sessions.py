"""Sessions end; names are locked, and unlocked again; passwords are hashes; roles are few."""

import pytest
from argon2 import PasswordHasher

from back_office.staff.lockout import Lockout
from back_office.staff.passwords import Accounts, hash_password
from back_office.staff.roles import PERMISSIONS, Permission, may
from back_office.staff.sessions import Sessions
from infra.settings.staff import StaffAccount

QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
ANNA = StaffAccount(name="anna", role="support", password_hash=QUICK.hash("her password"))


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_session_ends_when_nothing_is_asked_and_at_the_end_of_the_day() -> None:
    clock = Clock()
    sessions = Sessions(idle_s=60, max_s=150, now=clock)
    session_id = sessions.begin(ANNA)
    for _ in range(3):
        clock.now += 50
        assert sessions.find(session_id) is not None
    clock.now += 1
    assert sessions.find(session_id) is None, "in use, but too old"

    idle = sessions.begin(ANNA)
    clock.now += 61
    assert sessions.find(idle) is None
    clock.now -= 30
    assert sessions.find(idle) is None, "ended is ended"


def test_sessions_have_ids_and_tokens_of_their_own() -> None:
    sessions = Sessions(idle_s=60, max_s=60)
    first, second = sessions.begin(ANNA), sessions.begin(ANNA)
    found = [session for session in map(sessions.find, (first, second)) if session is not None]
    assert len({session.csrf_token for session in found}) == 2
    assert found[0].sent(found[0].csrf_token)
    assert not found[0].sent(found[1].csrf_token)
    assert not found[0].sent("")
    assert sessions.find("") is None
    sessions.end(first)
    assert sessions.find(first) is None
    assert sessions.find(second) is not None


def test_a_name_is_locked_for_a_while_and_its_failures_end_with_a_success() -> None:
    clock = Clock()
    lockout = Lockout(failures=3, locked_s=900, accounts=["anna"], now=clock)
    assert [lockout.attempt("Anna"), lockout.attempt("anna")] == [False, False]
    lockout.succeeded("ANNA")
    assert [lockout.attempt("anna"), lockout.attempt("anna"), lockout.attempt("anna")] == [False, False, True]
    assert lockout.locked_for_s("aNNa") == 900
    assert lockout.locked_for_s("bob") == 0
    clock.now += 901
    assert lockout.locked_for_s("anna") == 0


def test_no_flood_of_invented_names_opens_an_account_that_is_locked() -> None:
    lockout = Lockout(failures=2, locked_s=900, accounts=["Anna", "bo"], now=Clock())
    assert [lockout.attempt("anna"), lockout.attempt("ANNA"), lockout.attempt("bo")] == [False, True, False]
    lockout.attempt("nobody")
    for number in range(10_000):
        lockout.attempt(f"invented{number}")
    assert lockout.locked_for_s("Anna") == 900
    assert lockout.attempt("Bo"), "its first failure is not forgotten either"
    assert not lockout.attempt("nobody"), "what is remembered of others has an end"


async def test_a_name_is_found_in_either_case_and_a_wrong_password_is_not_enough() -> None:
    accounts = Accounts([ANNA])
    assert await accounts.verify("Anna", "her password") == ANNA
    assert await accounts.verify("anna", "his password") is None
    assert await accounts.verify("bob", "her password") is None
    broken = Accounts([ANNA.model_copy(update={"password_hash": "$argon2id$broken"})])
    assert await broken.verify("anna", "her password") is None


def test_a_hash_is_argon2id_and_never_the_same_twice() -> None:
    first, second = hash_password("her password"), hash_password("her password")
    assert first.startswith("$argon2id$")
    assert first != second


@pytest.mark.parametrize("role", PERMISSIONS)
def test_every_role_sees_payments_and_an_auditor_changes_nothing(role: str) -> None:
    assert may(role, Permission.SEE_PAYMENTS)  # type: ignore[arg-type]
    changes = {Permission.REFUND, Permission.CAPTURE, Permission.CANCEL}
    assert not changes & PERMISSIONS["auditor"]
    assert not {Permission.REFUND, Permission.CAPTURE} & PERMISSIONS["operator"]
