"""A user is erased: nobody can read what there was, and nothing else changes."""

import asyncio
from uuid import UUID, uuid4

import orjson
import psycopg
import pytest

from domain.ids import ErasureId, KeyId, MerchantId, PaymentId, UserId
from domain.privacy import UserErased
from event_store.appends import MAX_EVENT_BYTES, NO_STREAM, Append
from event_store.payments import PAYMENT, load_payment
from event_store.privacy.attached import attach
from event_store.privacy.erase import _KEYS_PER_RECEIPT, ErasureRefused, Order, erase
from event_store.privacy.export import exported
from event_store.privacy.rewrap import rewrap
from event_store.privacy.vault import Vault
from event_store.store import Connection, append, load
from schemas.events import PRIVACY_CODEC
from schemas.events.privacy_events import stream_id_of
from schemas.personal.encrypted import key_ids
from tests.support.database import Database
from tests.support.personal_payments import DESCRIPTION, EMAIL, METADATA, SUBJECT, a_payment, known_to_stripe
from tests.support.vaults import METADATA_KEYS, WRAPPING_KEYS, open_test_vault
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

ORDER = Order(subject=SUBJECT, actor="privacy@shop.example", reason="case 4711")
ORDER_NUMBER = {"order": "A-1001"}
ERASED = {"email": "[erased]", "customerName": "[erased]", "order": "A-1001"}


async def a_known_payment(connection: Connection, **changes: str) -> UUID:
    item = a_payment(**changes)  # type: ignore[arg-type]
    await append(connection, [item])
    payment = await load_payment(connection, PaymentId(item.stream_id))
    await append(connection, [known_to_stripe(payment, item.stream_id)])
    return item.stream_id


async def read(connection: Connection, vault: Vault, stream_id: UUID) -> tuple[str | None, dict[str, str]]:
    state = PAYMENT.load(await vault.decrypt(await load(connection, stream_id))).state
    assert state is not None
    return state.description, dict(state.metadata)


async def test_what_was_erased_reads_so(encrypting: Connection, officer: Connection, vault: Vault) -> None:
    stream_id = await a_known_payment(encrypting)
    done = await erase(officer, ORDER, metadata_keys=METADATA_KEYS)
    assert (len(done.receipt.keys), done.receipt.payments, done.streams) == (2, 1, 1)
    assert await read(encrypting, vault, stream_id) == ("[erased]", ERASED)
    (first, *_) = await vault.decrypt(await load(encrypting, stream_id))
    assert orjson.loads(first.data)["description"] == "[erased]"


async def an_answer(owner: Connection, payment_id: UUID, answer: str) -> None:
    """Have an endpoint answer so to a webhook of a payment."""
    await owner.execute(
        "WITH endpoint AS (INSERT INTO webhooks_out.endpoints (endpoint_id, merchant_id, url, event_types, description,"
        " enabled, secret) VALUES (gen_random_uuid(), 'm', gen_random_uuid()::text, '{}', '', true, '') RETURNING *),"
        " delivery AS (INSERT INTO webhooks_out.deliveries (endpoint_id, event_id, payment_id, version, position,"
        " event_type, status) SELECT endpoint_id, gen_random_uuid(), %s, 1, 1, 'payment.requested', 'delivered'"
        " FROM endpoint RETURNING *)"
        " INSERT INTO webhooks_out.attempts (delivery_id, duration_ms, status, answer)"
        " SELECT delivery_id, 12, 200, %s FROM delivery",
        [payment_id, answer],
    )


async def test_what_endpoints_answered_about_the_user_is_taken_away(
    encrypting: Connection, officer: Connection, database: Database
) -> None:
    theirs = await a_known_payment(encrypting)
    others = await a_known_payment(encrypting, user_id=UserId("somebody_else"))
    async with await psycopg.AsyncConnection.connect(database.url("owner"), autocommit=True) as owner:
        for payment_id, answer in ((theirs, f"thank you, {EMAIL}"), (theirs, "ok"), (others, "ok")):
            await an_answer(owner, payment_id, answer)
        done = await erase(officer, ORDER, metadata_keys=METADATA_KEYS)
        rows = await owner.execute("SELECT status, answer FROM webhooks_out.attempts ORDER BY answer")
        assert await rows.fetchall() == [(200, "ok"), (200, None), (200, None)]
        assert done.receipt.webhook_answers == 2
        receipt = (await load(officer, stream_id_of(SUBJECT)))[-1]
        assert PRIVACY_CODEC.decode(receipt) == done.receipt
        await an_answer(owner, theirs, "late")  # to a webhook that was under way
        again = await erase(officer, ORDER, metadata_keys=METADATA_KEYS)
        assert again.receipt.webhook_answers == 1
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await officer.execute("UPDATE webhooks_out.attempts SET answer = NULL")


def test_a_receipt_with_all_the_keys_that_it_may_have_fits_into_an_event() -> None:
    keys = tuple(KeyId(uuid4()) for _ in range(_KEYS_PER_RECEIPT))
    receipt = UserErased(
        erasure_id=ErasureId(uuid4()),
        merchant_id=MerchantId("m" * 500),
        user_id=UserId("u" * 500),
        actor="a" * 500,
        reason="r" * 500,
        keys=keys,
        payments=10**9,
        in_clear=10**9,
        webhook_answers=10**9,
    )
    append_ = Append.of(
        PRIVACY_CODEC, [receipt], stream_id=uuid4(), expected_version=NO_STREAM, metadata=ORDER.metadata
    )
    append_.require_storable(MAX_EVENT_BYTES)


async def test_an_erasure_of_more_keys_than_a_receipt_holds_has_several(
    encrypting: Connection, officer: Connection, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("event_store.privacy.erase._KEYS_PER_RECEIPT", 1)
    stream_id = await a_known_payment(encrypting)
    done = await erase(officer, ORDER, metadata_keys=METADATA_KEYS)
    assert await read(encrypting, vault, stream_id) == ("[erased]", ERASED)
    events = await load(officer, stream_id_of(SUBJECT))
    receipts = [PRIVACY_CODEC.decode(event) for event in events]
    assert all(isinstance(each, UserErased) for each in receipts)
    assert [(each.keys, each.payments) for each in receipts if isinstance(each, UserErased)] == [
        ((done.receipt.keys[0],), 1),
        ((done.receipt.keys[1],), 0),
    ]
    assert {each.erasure_id for each in receipts if isinstance(each, UserErased)} == {done.receipt.erasure_id}
    assert events[-1].position == done.position


async def test_others_are_not_erased(encrypting: Connection, officer: Connection, vault: Vault) -> None:
    stream_id = await a_known_payment(encrypting, user_id=UserId("somebody_else"))
    await a_known_payment(encrypting)
    await erase(officer, ORDER, metadata_keys=METADATA_KEYS)
    assert await read(encrypting, vault, stream_id) == (DESCRIPTION, METADATA)


async def test_a_text_that_names_the_key_of_another_does_not_destroy_it(
    encrypting: Connection, officer: Connection, vault: Vault
) -> None:
    theirs = await a_known_payment(encrypting, user_id=UserId("somebody_else"))
    (key_id,) = key_ids((await load(encrypting, theirs))[0].data)
    await append(encrypting, [a_payment(metadata={"order": f"encrypted:v1:{key_id.hex}:AAAA"})])
    done = await erase(officer, ORDER, metadata_keys=METADATA_KEYS, force=True)
    assert key_id not in done.receipt.keys
    assert await read(encrypting, vault, theirs) == (DESCRIPTION, METADATA)


async def test_the_receipt_says_who_and_why(encrypting: Connection, officer: Connection) -> None:
    await a_known_payment(encrypting)
    done = await erase(officer, ORDER, metadata_keys=METADATA_KEYS)
    (event,) = await load(officer, stream_id_of(SUBJECT))
    receipt = PRIVACY_CODEC.decode(event)
    assert receipt == done.receipt
    assert isinstance(receipt, UserErased)
    assert (receipt.actor, receipt.reason) == (ORDER.actor, ORDER.reason)


async def test_erasing_again_does_what_was_left(encrypting: Connection, officer: Connection) -> None:
    await a_known_payment(encrypting)
    await erase(officer, ORDER, metadata_keys=METADATA_KEYS)
    again = await erase(officer, ORDER, metadata_keys=METADATA_KEYS)
    assert (again.receipt.keys, again.streams) == ((), 0)


async def test_a_payment_under_way_is_waited_for(encrypting: Connection, officer: Connection) -> None:
    await append(encrypting, [a_payment()])
    with pytest.raises(ErasureRefused, match="under way"):
        await erase(officer, ORDER, metadata_keys=METADATA_KEYS)
    done = await erase(officer, ORDER, metadata_keys=METADATA_KEYS, force=True)
    assert len(done.receipt.keys) == 2


async def test_a_user_who_comes_back_gets_a_new_key(encrypting: Connection, officer: Connection, vault: Vault) -> None:
    before = await a_known_payment(encrypting)
    await erase(officer, ORDER, metadata_keys=METADATA_KEYS)
    after = await a_known_payment(encrypting)
    assert await read(encrypting, vault, before) == ("[erased]", ERASED)
    assert await read(encrypting, vault, after) == (DESCRIPTION, METADATA)


async def test_a_key_that_comes_back_is_not_used(
    encrypting: Connection, officer: Connection, vault: Vault, database: Database
) -> None:
    stream_id = await a_known_payment(encrypting)
    columns = "key_id, merchant_id, subject, wrapped, wrapping_key"
    kept = await (await officer.execute(f"SELECT {columns} FROM privacy.data_keys")).fetchone()
    await erase(officer, ORDER, metadata_keys=METADATA_KEYS)
    async with await psycopg.AsyncConnection.connect(database.url("owner"), autocommit=True) as owner:
        await owner.execute(f"INSERT INTO privacy.data_keys ({columns}) VALUES (%s, %s, %s, %s, %s)", kept)
    assert await read(encrypting, vault, stream_id) == ("[erased]", ERASED)
    after = await a_known_payment(encrypting)
    assert await read(encrypting, vault, after) == (DESCRIPTION, METADATA)
    assert await read(encrypting, vault, stream_id) == ("[erased]", ERASED)


async def test_what_is_in_clear_is_counted_and_read_as_erased(
    app: Connection, officer: Connection, vault: Vault
) -> None:
    stream_id = await a_known_payment(app)
    await app.commit()
    done = await erase(officer, ORDER, metadata_keys=METADATA_KEYS)
    assert done.receipt.in_clear == 1
    assert await read(app, vault, stream_id) == ("[erased]", ERASED)


async def test_an_export_has_everything_in_clear(
    encrypting: Connection, officer: Connection, database: Database
) -> None:
    stream_id = await a_known_payment(encrypting)
    async with open_test_vault(database, role="erasure") as vault:
        document, events = await exported(officer, vault, SUBJECT)
    assert events == 2
    (payment,) = document["payments"]
    assert payment["id"] == str(stream_id)
    assert payment["events"][0]["data"]["metadata"] == METADATA


async def test_an_export_after_an_erasure_shows_that(
    encrypting: Connection, officer: Connection, database: Database
) -> None:
    await a_known_payment(encrypting)
    await erase(officer, ORDER, metadata_keys=METADATA_KEYS)
    async with open_test_vault(database, role="erasure") as vault:
        document, _ = await exported(officer, vault, SUBJECT)
    text = orjson.dumps(document, default=str)
    assert EMAIL.encode() not in text
    assert [each["type"] for each in document["privacy"]] == ["privacy.user_erased"]


async def test_rewrapped_keys_need_no_older_wrapping_key(
    encrypting: Connection, officer: Connection, database: Database
) -> None:
    stream_id = await a_known_payment(encrypting)
    newer = {"newer": bytes(reversed(range(32)))}
    assert await rewrap(officer, newer | dict(WRAPPING_KEYS)) == 1
    async with open_test_vault(database, keys=newer) as vault:
        assert await read(encrypting, vault, stream_id) == (DESCRIPTION, METADATA)


async def test_what_was_written_with_a_key_that_was_still_known_is_erased_too(
    encrypting: Connection, officer: Connection, database: Database
) -> None:
    """A process has the key for some seconds more: as if the user had paid in the meantime."""
    await a_known_payment(encrypting)
    async with open_test_vault(database, cache_s=60) as remembering:
        await remembering.encrypt([a_payment()])
        erasing = asyncio.create_task(erase(officer, ORDER, metadata_keys=METADATA_KEYS, forgotten_after_s=1.0))
        await eventually(lambda: load(encrypting, stream_id_of(SUBJECT)))
        attach(encrypting, remembering)
        item = a_payment()
        await append(encrypting, [item])
        await erasing
        assert await read(encrypting, remembering, item.stream_id) == ("[erased]", ERASED)


async def test_what_endpoints_answer_during_an_erasure_is_taken_away(
    encrypting: Connection, officer: Connection, database: Database
) -> None:
    """To webhooks that were under way, and to those of what the user paid in the meantime."""
    before = await a_known_payment(encrypting)
    async with (
        open_test_vault(database, cache_s=60) as remembering,
        await psycopg.AsyncConnection.connect(database.url("owner"), autocommit=True) as owner,
    ):
        await remembering.encrypt([a_payment()])
        erasing = asyncio.create_task(erase(officer, ORDER, metadata_keys=METADATA_KEYS, forgotten_after_s=1.0))
        await eventually(lambda: load(encrypting, stream_id_of(SUBJECT)))
        attach(encrypting, remembering)
        item = a_payment()
        await append(encrypting, [item])
        for payment_id in (before, item.stream_id):
            await an_answer(owner, payment_id, f"thank you, {EMAIL}")
        assert (await erasing).receipt.webhook_answers == 0
        rows = await owner.execute("SELECT answer FROM webhooks_out.attempts")
        assert await rows.fetchall() == [(None,), (None,)]


async def test_a_key_that_was_lost_is_burned_before_it_can_come_back(
    encrypting: Connection, officer: Connection, vault: Vault
) -> None:
    stream_id = await a_known_payment(encrypting)
    await officer.execute("DELETE FROM privacy.data_keys")
    assert await read(encrypting, vault, stream_id) == ("[damaged]", dict.fromkeys(ERASED, "[damaged]") | ORDER_NUMBER)
    done = await erase(officer, ORDER, metadata_keys=METADATA_KEYS)
    assert (len(done.receipt.keys), done.streams) == (2, 1)
    assert await read(encrypting, vault, stream_id) == ("[erased]", ERASED)
