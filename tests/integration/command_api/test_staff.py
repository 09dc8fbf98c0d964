"""Sign-ins and recovery codes of the staff over HTTP: each an event, each code used once."""

import asyncio

import psycopg
import pytest

from domain.access.events import (
    RecoveryCodesMade,
    RecoveryCodeUsed,
    StaffEvent,
    StaffSignedIn,
)
from domain.access.staff import staff_stream
from event_store.store import load
from infra.postgres.pool import Pool
from schemas.events import STAFF_CODEC
from tests.integration.command_api.running_api import Running
from tests.support.database import Database

pytestmark = pytest.mark.integration

BY_OLGA = {"Paystream-Actor": "olga"}
ACTOR = "api:staff/olga"
CODES, USE = "/staff/olga/recovery-codes", "/staff/olga/recovery-codes/use"


async def recorded(pool: Pool, name: str = "olga") -> list[StaffEvent]:
    async with pool.connection() as conn:
        events = await load(conn, staff_stream(name))
    assert {event.metadata.actor for event in events} <= {ACTOR}
    return [STAFF_CODEC.decode(event) for event in events]


async def made(api: Running) -> list[str]:
    answer = await api.client.post(CODES, json={"reason": "a new phone"}, headers=BY_OLGA)
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    codes: list[str] = answer.json()["codes"]
    return codes


async def use(api: Running, code: str) -> int:
    return (await api.client.post(USE, json={"code": code}, headers=BY_OLGA)).status_code


async def left(api: Running) -> int:
    return int((await api.client.get(CODES)).json()["left"])


async def test_a_sign_in_is_an_event_of_whoever_signed_in(staff: Running, pool: Pool) -> None:
    body = {"role": "operator", "second_factor": "totp"}
    for name in ("olga", "Olga"):
        answer = await staff.client.post(f"/staff/{name}/sign-ins", json=body, headers=BY_OLGA)
        assert answer.status_code == 200, answer.text
    assert await recorded(pool) == [
        StaffSignedIn(name=name, role="operator", second_factor="totp", actor=ACTOR) for name in ("olga", "Olga")
    ]


async def test_a_sign_in_says_how_where_it_was_no_password(staff: Running, pool: Pool) -> None:
    body = {"role": "operator", "second_factor": "none", "method": "oidc"}
    answer = await staff.client.post("/staff/olga/sign-ins", json=body, headers=BY_OLGA)
    assert answer.status_code == 200, answer.text
    (event,) = await recorded(pool)
    assert event == StaffSignedIn(name="olga", role="operator", second_factor="none", actor=ACTOR, method="oidc")


async def test_a_code_opens_once_and_is_recorded(staff: Running, pool: Pool) -> None:
    assert await left(staff) == 0
    codes = await made(staff)
    assert (len(codes), await left(staff)) == (10, 10)
    answer = await staff.client.post(USE, json={"code": codes[3].lower().replace("-", " ")}, headers=BY_OLGA)
    assert (answer.status_code, answer.json()) == (200, {"left": 9})
    again = await staff.client.post(USE, json={"code": codes[3]}, headers=BY_OLGA)
    assert (again.status_code, again.json()["code"]) == (409, "operation_refused")
    assert await use(staff, f"4{codes[3][1:]}") == 409, "the number belongs to it"
    assert await recorded(pool) == [
        RecoveryCodesMade(name="olga", codes=10, actor=ACTOR, reason="a new phone"),
        RecoveryCodeUsed(name="olga", number=3, left=9, actor=ACTOR),
    ]


async def test_a_code_that_is_used_twice_at_the_same_instant_opens_once(staff: Running, pool: Pool) -> None:
    codes = await made(staff)
    statuses = await asyncio.gather(*(use(staff, codes[0]) for _ in range(6)))
    assert sorted(statuses) == [200, *[409] * 5]
    assert len(await recorded(pool)) == 2


async def test_new_codes_void_the_old_ones_also_at_the_same_instant(staff: Running) -> None:
    old = await made(staff)
    several = await asyncio.gather(*(made(staff) for _ in range(3)))
    assert await left(staff) == 10
    assert await use(staff, old[0]) == 409
    assert sorted([await use(staff, codes[0]) for codes in several]) == [200, 409, 409], "of one set alone"


async def test_a_code_is_its_owner_s_alone(staff: Running) -> None:
    codes = await made(staff)
    answer = await staff.client.post("/staff/bo/recovery-codes/use", json={"code": codes[0]}, headers=BY_OLGA)
    assert answer.status_code == 409
    assert await left(staff) == 10


async def test_no_code_and_no_hash_is_in_the_log(staff: Running, pool: Pool) -> None:
    codes = await made(staff)
    await use(staff, codes[0])
    async with pool.connection() as conn:
        rows = await (await conn.execute("SELECT data::text FROM event_store.events")).fetchall()
    written = "".join(row[0] for row in rows)
    assert "argon2" not in written
    assert not [code for code in codes if code[2:] in written]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/staff/olga/sign-ins", {"role": "boss", "second_factor": "none"}, 422),
        ("/staff/olga/sign-ins", {"role": "operator", "second_factor": "sms"}, 422),
        ("/staff/olga/sign-ins", {"role": "operator", "second_factor": "none", "method": "saml"}, 422),
        ("/staff/o%20l/sign-ins", {"role": "operator", "second_factor": "none"}, 400),
        (CODES, {"reason": " "}, 422),
        (USE, {}, 422),
        (USE, {"code": "x" * 101}, 422),
        (USE, {"code": "123456"}, 409),
    ],
)
async def test_what_cannot_be_is_refused(
    staff: Running, pool: Pool, path: str, body: dict[str, str], status: int
) -> None:
    assert (await staff.client.post(path, json=body, headers=BY_OLGA)).status_code == status
    assert await recorded(pool) == []


async def test_who_may_only_look_makes_and_uses_none(staff: Running) -> None:
    reader = {"Authorization": "Bearer sk_reader"}
    for path, body in ((CODES, {"reason": "x"}), (USE, {"code": "x"})):
        assert (await staff.client.post(path, json=body, headers=reader)).status_code == 403


async def test_a_code_used_after_a_backup_is_not_valid_in_it(staff: Running, database: Database) -> None:
    codes = await made(staff)
    async with await psycopg.AsyncConnection.connect(database.url("owner"), autocommit=True) as owner:
        kept = await (await owner.execute("SELECT * FROM access.recovery_codes")).fetchall()
        (before,) = await (await owner.execute("SELECT max(position) FROM event_store.events")).fetchone() or (0,)
        assert await use(staff, codes[5]) == 200
        await owner.execute("DELETE FROM access.recovery_codes")
        for row in kept:
            await owner.execute("INSERT INTO access.recovery_codes VALUES (%s, %s, %s)", row)
        await owner.execute("SELECT event_store.follow_access(%s)", [before])
        assert await left(staff) == 9
        assert await use(staff, codes[5]) == 409
        await made(staff)
        await owner.execute("SELECT event_store.follow_access(%s)", [before])
        assert await left(staff) == 0, "new codes of then are not known here: the old ones are no use"
