"""What auditors read over HTTP: the staff log, erasures, seals, the picture of a payment, and proofs."""

import io
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio

from domain.access.events import ApiKeyRevoked
from domain.ids import ApiKeyId, ErasureId, KeyId, MerchantId, UserId
from domain.privacy import UserErased
from event_store.appends import NO_STREAM, Append
from event_store.proofs.note import PublicKey
from event_store.proofs.statement import entry_of_document
from event_store.proofs.tlog_proof import TlogProof
from event_store.proofs.witnesses import Quorum
from event_store.store import Connection, append
from infra.ids import uuid7
from infra.postgres.pool import Pool
from projections.audit import staff_log
from projections.audit.proof_files import ProofFiles
from query_api.database import create_read_pool
from schemas.envelope import EventMetadata
from schemas.events import API_KEY_CODEC, PRIVACY_CODEC
from schemas.http.audit import ErasurePage, SealsView, StaffLogPage
from tests.integration.query_api.conftest import Record
from tests.support.database import Database
from tests.support.payment_histories import paid, request_payment
from tests.support.query_client import AUDIT_KEY, FINANCE_KEY, client_of
from tests.support.sealed_logs import KEY, SealedLog, sealed_log
from tests.support.witnesses import asking, new_key, witness

pytestmark = pytest.mark.integration


@pytest_asyncio.fixture
async def log_pool(database: Database) -> AsyncIterator[Pool]:
    async with create_read_pool(database.url("audit"), size=2, timeout_ms=5000) as pool:
        yield pool


@pytest_asyncio.fixture
async def auditor(read_pool: Pool, log_pool: Pool) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(read_pool, key=AUDIT_KEY, history=log_pool) as client:
        yield client


@pytest.fixture
def sealed(database: Database, app: Connection, tmp_path: Path) -> SealedLog:
    return sealed_log(database, app, tmp_path / "log")


async def revoke(app: Connection, actor: str, reason: str = "found in a log") -> UUID:
    """Record that somebody ended a key; return its stream."""
    key_id = ApiKeyId(uuid7())
    event = ApiKeyRevoked(key_id=key_id, actor=actor, reason=reason)
    metadata = EventMetadata(correlation_id="c", actor=actor, merchant_id=MerchantId("-"))
    async with app.transaction():
        await append(
            app, [Append.of(API_KEY_CODEC, [event], stream_id=key_id, expected_version=NO_STREAM, metadata=metadata)]
        )
    return key_id


async def erased(app: Connection, user_id: str) -> ErasureId:
    erasure_id, actor = ErasureId(uuid7()), "api:back-office/olga"
    event = UserErased(
        erasure_id=erasure_id,
        merchant_id=MerchantId("m"),
        user_id=UserId(user_id),
        actor=actor,
        reason="their letter",
        keys=(KeyId(uuid7()), KeyId(uuid7())),
        payments=3,
        in_clear=1,
        webhook_answers=4,
    )
    metadata = EventMetadata(correlation_id="c", actor=actor, merchant_id=MerchantId("m"))
    async with app.transaction():
        await append(
            app, [Append.of(PRIVACY_CODEC, [event], stream_id=uuid7(), expected_version=NO_STREAM, metadata=metadata)]
        )
    return erasure_id


async def test_the_staff_log_has_what_people_did_and_nothing_else(
    auditor: httpx.AsyncClient, app: Connection, record: Record
) -> None:
    await record(paid(request_payment()))  # a program's, and the gateway's
    by_olga = await revoke(app, "api:back-office/olga")
    await revoke(app, "api:back-office")
    by_root = await revoke(app, "operator:root", "once a year")
    page = StaffLogPage.model_validate_json((await auditor.get("/audit/staff-log")).content)
    assert [(each.name, each.actor, each.stream_id, each.reason) for each in page.data] == [
        ("root", "operator:root", by_root, "once a year"),
        ("olga", "api:back-office/olga", by_olga, "found in a log"),
    ]
    assert {each.type for each in page.data} == {"access.key_revoked"}


async def test_the_staff_log_is_read_in_pages_and_by_person(auditor: httpx.AsyncClient, app: Connection) -> None:
    streams = [await revoke(app, f"api:office/{name}") for name in ("olga", "bo") * 3]
    for name, expected in (("olga", streams[::2]), ("bo", streams[1::2]), (None, streams)):
        parameters, found = {"limit": "2"} | ({"name": name} if name else {}), list[UUID]()
        while True:
            page = StaffLogPage.model_validate_json((await auditor.get("/audit/staff-log", params=parameters)).content)
            assert len(page.data) <= 2
            found += [each.stream_id for each in page.data]
            assert page.has_more == (page.next_cursor is not None)
            if page.next_cursor is None:
                break
            parameters["cursor"] = page.next_cursor
        assert found == expected[::-1], name
    assert (await auditor.get("/audit/staff-log", params={"name": "ol"})).json()["data"] == []


@pytest.mark.parametrize("name", ["olga", None])
async def test_the_staff_log_reads_no_event_of_anybody_else(
    log_pool: Pool, app: Connection, record: Record, name: str | None
) -> None:
    """It costs what is shown, however long the log is."""
    for _ in range(20):
        await record(paid(request_payment()))
    await revoke(app, "api:office/olga")
    await revoke(app, "api:office/bo")
    async with log_pool.connection() as conn:
        await conn.execute("SET enable_seqscan = off")  # a log this short it would read as a whole
        explain = "EXPLAIN (ANALYZE, FORMAT JSON) " + staff_log.QUERIES.page
        cursor = await conn.execute(explain, {"name": name, "before": None, "limit": 51}, prepare=False)
        row = await cursor.fetchone()
    assert row is not None
    assert rows_read(row[0][0]["Plan"]) <= 2, "of more than sixty events"


def rows_read(plan: dict[str, Any]) -> int:
    """Return how many rows the scans of a plan looked at."""
    below = sum(map(rows_read, plan.get("Plans", ())))
    own = plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0) if "Scan" in plan["Node Type"] else 0
    return int(below + own)


async def test_an_erasure_is_in_the_register_with_its_receipt(auditor: httpx.AsyncClient, app: Connection) -> None:
    ids = [await erased(app, f"user_{number}") for number in range(3)]
    first = ErasurePage.model_validate_json((await auditor.get("/audit/erasures", params={"limit": "2"})).content)
    assert [each.id for each in first.data] == ids[:0:-1]
    newest = first.data[0]
    assert (newest.user_id, newest.merchant_id, newest.actor) == ("user_2", "m", "api:back-office/olga")
    assert (newest.reason, newest.keys, newest.payments, newest.in_clear) == ("their letter", 2, 3, 1)
    assert newest.webhook_answers == 4
    rest = await auditor.get("/audit/erasures", params={"limit": "2", "cursor": first.next_cursor or ""})
    assert [each["id"] for each in rest.json()["data"]] == [str(ids[0])]


async def test_seals_say_what_is_sealed_what_is_not_and_who_signed(
    read_pool: Pool, log_pool: Pool, sealed: SealedLog, tmp_path: Path
) -> None:
    async with witness(tmp_path, "one") as one, asking(sealed, one) as ask:
        absent = new_key("absent").public
        required = Quorum(keys=(one.key.public, absent), needed=1)
        async with client_of(read_pool, key=AUDIT_KEY, history=log_pool, witnesses=required) as auditor:
            await sealed.append(payments=2)
            count = len(await sealed.positions())
            nothing = SealsView.model_validate_json((await auditor.get("/audit/seals")).content)
            assert (nothing.checkpoint, nothing.unsealed, nothing.witnessed) == (None, count, 0)
            await sealed.seal()
            await ask()
            await sealed.append(payments=1, seed=1)
            found = SealsView.model_validate_json((await auditor.get("/audit/seals")).content)
    assert found.checkpoint is not None
    assert (found.checkpoint.size, found.checkpoint.origin) == (count, KEY.name)
    assert found.checkpoint.note.startswith(f"{KEY.name}\n{count}\n{found.checkpoint.root}\n")
    assert found.unsealed == len(await sealed.positions()) - count
    assert found.unsealed_since is not None
    assert (found.witnessed, found.witnesses_needed) == (count, 1)
    by_name = {each.name: each for each in found.witnesses}
    assert (by_name[one.key.name].size, by_name[one.key.name].signed_at is None) == (count, False)
    assert (by_name[absent.name].size, by_name[absent.name].required) == (None, True)


def checked(archive: bytes, *witnesses: PublicKey) -> list[str]:
    """Check every proof of an archive as somebody without our code would; return the events' ids."""
    with zipfile.ZipFile(io.BytesIO(archive)) as files:
        names = [name.removesuffix(".tlog-proof") for name in files.namelist() if name.endswith(".tlog-proof")]
        for name in names:
            proof = TlogProof.parse(files.read(f"{name}.tlog-proof").decode())
            proof.verify(entry_of_document(files.read(f"{name}.json").decode()), [KEY.public], witnesses)
        assert len(files.namelist()) == 2 * len(names)
    return names


async def test_what_is_downloaded_proves_a_payment_or_an_event(
    read_pool: Pool, log_pool: Pool, sealed: SealedLog
) -> None:
    payments = await sealed.append(payments=3)
    async with client_of(
        read_pool, key=AUDIT_KEY, history=log_pool, proofs=ProofFiles(sealed.folder, Quorum())
    ) as auditor:
        early = await auditor.get(f"/audit/proofs/{payments[0]}")
        assert (early.status_code, early.json()["code"]) == (409, "not_sealed")
        await sealed.seal()
        position = (await sealed.positions())[-1]
        (later,) = await sealed.append(payments=1, seed=1)
        whole = await auditor.get(f"/audit/proofs/{payments[0]}")
        assert (whole.status_code, whole.headers["content-type"]) == (200, "application/zip")
        assert whole.headers["content-disposition"] == f'attachment; filename="proofs-{payments[0]}.zip"'
        ids = checked(whole.content)
        async with sealed.connection("owner") as owner:
            rows = await owner.execute(
                "SELECT event_id::text FROM event_store.events WHERE stream_id = %s ORDER BY position", [payments[0]]
            )
            assert ids == [row[0] for row in await rows.fetchall()]
        assert checked((await auditor.get(f"/audit/proofs/{ids[0]}")).content) == ids[:1]
        assert len(checked((await auditor.get(f"/audit/proofs/{position}")).content)) == 1
        for nothing in (uuid7(), "x", "0", "9" * 19, 10**9):
            answer = await auditor.get(f"/audit/proofs/{nothing}")
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), nothing
        assert (await auditor.get(f"/audit/proofs/{later}")).json()["code"] == "not_sealed"
        await sealed.tamper(f"UPDATE event_store.events SET data = data || '{{\"x\": 1}}' WHERE position = {position}")
        altered = await auditor.get(f"/audit/proofs/{position}")
        assert (altered.status_code, altered.json()["code"]) == (409, "not_as_sealed")


async def test_a_payment_s_causes_are_drawn(auditor: httpx.AsyncClient, record: Record) -> None:
    payment_id = await record(paid(request_payment()))
    answer = await auditor.get(f"/audit/payments/{payment_id}/causes")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/svg+xml")
    assert answer.text.startswith('<svg xmlns="http://www.w3.org/2000/svg"')
    assert answer.text.count("<circle") == 3
    assert "payment.requested" in answer.text
    for nothing in (uuid7(), "x"):
        missing = await auditor.get(f"/audit/payments/{nothing}/causes")
        assert (missing.status_code, missing.json()["code"]) == (404, "payment_not_found")


PATHS = (
    "/audit/seals",
    "/audit/staff-log",
    "/audit/erasures",
    f"/audit/payments/{UUID(int=1, version=4)}/causes",
    "/audit/proofs/1",
)


@pytest.mark.parametrize("path", PATHS)
async def test_it_is_for_keys_of_auditors_and_needs_the_log(read_pool: Pool, log_pool: Pool, path: str) -> None:
    async with client_of(read_pool, key=FINANCE_KEY, history=log_pool) as finance:
        answer = await finance.get(path)
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    async with client_of(read_pool, key=None, anonymous="m", history=log_pool) as nobody:
        assert (await nobody.get(path)).status_code == 401
    async with client_of(read_pool, key=AUDIT_KEY) as auditor:
        answer = await auditor.get(path)
        assert (answer.status_code, answer.json()["code"].endswith("_not_configured")) == (501, True)


@pytest.mark.parametrize(
    "query", ["cursor=x", "limit=0", "name=a%20b", "names=olga", "cursor=WzBd", "name=a&name=b", "cursor=W3RydWVd"]
)
async def test_a_wrong_parameter_is_refused(auditor: httpx.AsyncClient, query: str) -> None:
    assert (await auditor.get(f"/audit/staff-log?{query}")).status_code == 400
