"""Locks of the staff over HTTP: each an event, known to every process, also when several act at the same instant."""

import asyncio
from functools import partial
from typing import Any

import psycopg
import pytest

from domain.access.events import StaffEvent, StaffLocked, StaffSessionsEnded, StaffSignedIn, StaffUnlocked
from domain.access.staff import staff_stream
from domain.ids import EventId
from event_store.appends import Append, Appended
from event_store.store import append, load
from infra.ids import uuid7
from infra.postgres.pool import Pool
from schemas.envelope import NO_MERCHANT, EventMetadata, NewEvent
from schemas.events import STAFF_CODEC
from tests.integration.command_api.running_api import Running
from tests.support.database import Database

pytestmark = pytest.mark.integration

BY_OLGA = {"Paystream-Actor": "olga"}
ACTOR = "api:staff/olga"
LOCK, UNLOCK, LOCKS = "/staff/anna/lock", "/staff/anna/unlock", "/staff-locks"
SIGN_IN = {"role": "operator", "second_factor": "none"}


async def recorded(pool: Pool, name: str = "anna") -> list[StaffEvent]:
    async with pool.connection() as conn:
        return [STAFF_CODEC.decode(event) for event in await load(conn, staff_stream(name))]


async def said(api: Running, path: str, reason: str) -> str:
    answer = await api.client.post(path, json={"reason": reason}, headers=BY_OLGA)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["said"])


async def locks(api: Running) -> list[dict[str, Any]]:
    answer = await api.client.get(LOCKS)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    found: list[dict[str, Any]] = answer.json()["data"]
    return found


async def test_a_lock_is_an_event_and_holds_in_either_case_of_the_name(staff: Running, pool: Pool) -> None:
    assert await locks(staff) == []
    await staff.client.post("/staff/anna/sign-ins", json=SIGN_IN, headers=BY_OLGA)
    assert await said(staff, "/staff/Anna/lock", "a lost laptop") == "Anna is locked."
    ((lock),) = await locks(staff)
    assert (lock["name"], lock["is_locked"], lock["actor"], lock["reason"]) == ("anna", True, ACTOR, "a lost laptop")
    refused = await staff.client.post("/staff/ANNA/sign-ins", json=SIGN_IN, headers=BY_OLGA)
    assert (refused.status_code, refused.json()["code"]) == (409, "operation_refused")
    assert await said(staff, UNLOCK, "it was found") == "anna is unlocked."
    ((unlocked),) = await locks(staff)
    assert (unlocked["is_locked"], unlocked["reason"]) == (False, "it was found")
    assert unlocked["lock_position"] == lock["lock_position"], "sessions from before the lock stay ended"
    assert unlocked["changed_at"] > lock["changed_at"]
    await staff.client.post("/staff/anna/sign-ins", json=SIGN_IN, headers=BY_OLGA)
    signed_in = StaffSignedIn(name="anna", actor=ACTOR, role="operator", second_factor="none")
    assert await recorded(pool) == [
        signed_in,
        StaffLocked(name="Anna", actor=ACTOR, reason="a lost laptop"),
        StaffUnlocked(name="anna", actor=ACTOR, reason="it was found"),
        signed_in,
    ]


async def test_the_end_of_all_sessions_is_an_event_and_changes_no_lock(staff: Running, pool: Pool) -> None:
    async def end(reason: str, *, before: int) -> int:
        answer = await staff.client.post("/staff/Anna/end-sessions", json={"reason": reason}, headers=BY_OLGA)
        assert (answer.status_code, answer.json()["said"]) == (200, "All sessions of Anna end.")
        assert answer.json()["position_before"] == before
        return int(answer.json()["position"])

    first = await end("a lost laptop", before=0)
    ((row),) = await locks(staff)
    assert (row["name"], row["is_locked"], row["lock_position"]) == ("anna", False, first)
    await said(staff, LOCK, "left")
    ((locked),) = await locks(staff)
    assert locked["lock_position"] > first
    second = await end("again", before=locked["lock_position"])
    ((row),) = await locks(staff)
    assert (row["is_locked"], row["reason"], row["lock_position"]) == (True, "left", second)
    assert second > first
    await said(staff, UNLOCK, "came back")
    ((row),) = await locks(staff)
    assert (row["is_locked"], row["lock_position"]) == (False, second)
    assert (await staff.client.post("/staff/anna/sign-ins", json=SIGN_IN, headers=BY_OLGA)).status_code == 200
    assert (await recorded(pool))[0] == StaffSessionsEnded(name="Anna", actor=ACTOR, reason="a lost laptop")
    for wrong in ({}, {"reason": " "}, {"reason": "x", "more": 1}):
        assert (await staff.client.post("/staff/anna/end-sessions", json=wrong)).status_code == 422


async def test_who_was_locked_keeps_no_session_by_ending_all_others(staff: Running) -> None:
    by_anna = {"Paystream-Actor": "anna"}
    end = partial(staff.client.post, "/staff/anna/end-sessions", json={"reason": "of my own"}, headers=by_anna)
    assert (await end()).status_code == 200
    await said(staff, LOCK, "left")
    ((before),) = await locks(staff)
    refused = await end()
    assert (refused.status_code, refused.json()["code"]) == (409, "operation_refused")
    assert await locks(staff) == [before]


async def test_what_a_newer_release_recorded_opens_nothing_and_hinders_no_lock(staff: Running, pool: Pool) -> None:
    assert (await staff.client.post("/staff/anna/sign-ins", json=SIGN_IN, headers=BY_OLGA)).status_code == 200
    newer = NewEvent(
        event_id=EventId(uuid7()),
        type="access.staff_from_the_future",
        schema_version=1,
        data=b"{}",
        metadata=EventMetadata(correlation_id="c", actor="test", merchant_id=NO_MERCHANT),
    )
    async with pool.connection() as conn:
        future = Append(
            stream_id=staff_stream("anna"),
            category="access",
            merchant_id=NO_MERCHANT,
            expected_version=1,
            events=(newer,),
        )
        assert isinstance((await append(conn, [future]))[0], Appended)
    for path, body in (("/staff/anna/sign-ins", SIGN_IN), (UNLOCK, {"reason": "x"})):
        refused = await staff.client.post(path, json=body, headers=BY_OLGA)
        assert (refused.status_code, refused.json()["code"]) == (409, "operation_refused")
        assert "may be a lock: it takes the newer release" in refused.json()["detail"]
    assert await said(staff, "/staff/anna/end-sessions", "a lost laptop") == "All sessions of anna end."
    assert await said(staff, LOCK, "a lost laptop") == "anna is locked."
    ((lock),) = await locks(staff)
    assert lock["is_locked"]


async def test_a_second_lock_says_who_was_first(staff: Running, pool: Pool) -> None:
    assert await said(staff, UNLOCK, "x") == "anna was not locked."
    assert "check how it is written" in await said(staff, LOCK, "a lost laptop")
    assert await said(staff, LOCK, "left") == f"anna was locked before, by {ACTOR}: a lost laptop"
    assert await recorded(pool) == [StaffLocked(name="anna", actor=ACTOR, reason="a lost laptop")]


async def test_who_is_locked_uses_up_no_recovery_code(staff: Running) -> None:
    by_anna = {"Paystream-Actor": "anna"}
    made = await staff.client.post("/staff/anna/recovery-codes", json={"reason": "a new phone"}, headers=by_anna)
    use = partial(staff.client.post, "/staff/anna/recovery-codes/use", json={"code": made.json()["codes"][2]})
    await said(staff, LOCK, "a lost laptop")
    assert (await use(headers=by_anna)).status_code == 409
    assert (await staff.client.get("/staff/anna/recovery-codes")).json() == {"left": 10}
    await said(staff, UNLOCK, "it was found")
    assert (await use(headers=by_anna)).status_code == 200


async def test_a_lock_of_after_a_backup_holds_in_it(staff: Running, database: Database) -> None:
    await said(staff, "/staff/bo/lock", "before the backup")
    async with await psycopg.AsyncConnection.connect(database.url("owner"), autocommit=True) as owner:
        (before,) = await (await owner.execute("SELECT max(position) FROM event_store.events")).fetchone() or (0,)
        kept = await (await owner.execute("SELECT * FROM access.staff_locks")).fetchall()
        await said(staff, "/staff/bo/unlock", "after it")
        for path in (LOCK, UNLOCK, LOCK, "/staff/eva/lock", "/staff/eva/unlock"):
            await said(staff, path, path)
        now = await locks(staff)
        await owner.execute("DELETE FROM access.staff_locks")
        for row in kept:
            await owner.execute("INSERT INTO access.staff_locks VALUES (%s, %s, %s, %s, %s, %s)", row)
        await owner.execute("SELECT event_store.follow_access(%s)", [before])
    assert [(each["name"], each["is_locked"]) for each in now] == [("anna", True), ("bo", False), ("eva", False)]
    assert await locks(staff) == now


async def test_only_who_may_look_sees_who_is_locked(staff: Running) -> None:
    assert (await staff.client.get(LOCKS, headers={"Authorization": "Bearer sk_reader"})).status_code == 200
    assert (await staff.client.get(LOCKS, headers={"Authorization": "Bearer none"})).status_code == 401


async def test_nobody_locks_themselves_out(staff: Running, pool: Pool) -> None:
    answer = await staff.client.post("/staff/OLGA/lock", json={"reason": "x"}, headers=BY_OLGA)
    assert (answer.status_code, answer.json()["code"]) == (409, "operation_refused")
    assert "themselves" in answer.json()["detail"]
    assert await locks(staff) == []
    assert await recorded(pool, "olga") == []


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        (LOCK, {}, 422),
        (LOCK, {"reason": " "}, 422),
        (UNLOCK, {"reason": "x" * 501}, 422),
        (LOCK, {"reason": "x", "until": "tomorrow"}, 422),
        ("/staff/0anna/lock", {"reason": "x"}, 400),
    ],
)
async def test_what_cannot_be_is_refused(
    staff: Running, pool: Pool, path: str, body: dict[str, str], status: int
) -> None:
    assert (await staff.client.post(path, json=body, headers=BY_OLGA)).status_code == status
    assert await recorded(pool) == []


async def test_who_may_only_look_locks_nobody(staff: Running, pool: Pool) -> None:
    for path in (LOCK, UNLOCK):
        answer = await staff.client.post(path, json={"reason": "x"}, headers={"Authorization": "Bearer sk_reader"})
        assert answer.status_code == 403
    assert await recorded(pool) == []


async def change(staff: Running, change: str, actor: str) -> str:
    for _ in range(20):
        answer = await staff.client.post(
            f"/staff/anna/{change}", json={"reason": f"of {actor}"}, headers={"Paystream-Actor": actor}
        )
        if answer.status_code != 409:
            break
    assert answer.status_code == 200, answer.text
    return str(answer.json()["said"])


async def sign_in(staff: Running) -> int:
    body = {"role": "support", "second_factor": "none"}
    return (await staff.client.post("/staff/anna/sign-ins", json=body, headers={"Paystream-Actor": "anna"})).status_code


async def history(pool: Pool) -> list[type]:
    async with pool.connection() as conn:
        return [type(STAFF_CODEC.decode(event)) for event in await load(conn, staff_stream("anna"))]


async def test_of_several_who_lock_at_once_one_is_recorded(staff: Running, pool: Pool) -> None:
    answers = await asyncio.gather(*(change(staff, "lock", f"operator{number}") for number in range(5)))
    assert len([each for each in answers if each.startswith("anna is locked.")]) == 1
    (lock,) = (await staff.client.get("/staff-locks")).json()["data"]
    assert all(f"{lock['actor']}: {lock['reason']}" in each for each in answers if "before" in each)
    assert await history(pool) == [StaffLocked]


async def test_locks_and_unlocks_at_once_take_turns(staff: Running, pool: Pool) -> None:
    for _ in range(5):
        await asyncio.gather(*(change(staff, each, "olga") for each in ("lock", "unlock") * 3))
    found = await history(pool)
    assert found, "an event at least: the first lock"
    assert found == [StaffLocked if number % 2 == 0 else StaffUnlocked for number in range(len(found))]
    async with pool.connection() as conn:
        events = await load(conn, staff_stream("anna"))
    (row,) = (await staff.client.get("/staff-locks")).json()["data"]
    last_lock = [event for event in events if event.type == "access.staff_locked"][-1]
    assert (row["is_locked"], row["lock_position"]) == (found[-1] is StaffLocked, last_lock.position)


async def test_nobody_signs_in_behind_a_lock(staff: Running, pool: Pool) -> None:
    await asyncio.gather(
        *(sign_in(staff) for _ in range(4)), change(staff, "lock", "olga"), *(sign_in(staff) for _ in range(4))
    )
    assert await sign_in(staff) == 409
    found = await history(pool)
    assert found == [*[StaffSignedIn] * (len(found) - 1), StaffLocked]
