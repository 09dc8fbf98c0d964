"""A backup of before an erasure is restored: what was erased stays so, though its keys are there again."""

import asyncio
from pathlib import Path

import psycopg
import pytest

from domain.ids import PaymentId
from event_store.payments import PAYMENT, load_payment
from event_store.privacy.attached import attach
from event_store.privacy.cipher import WrappingKeys
from event_store.privacy.erase import Order, erase
from event_store.privacy.vault import Vault
from event_store.recovery.admin import RecoveryAdmin
from event_store.store import append, load
from infra.embedded.postgres import PostgresServer
from infra.postgres.pool import create_pool
from tests.integration.event_store.recovery.younger_log import new_log, published_up_to, relayed, state_of
from tests.support.brokers import LentBroker
from tests.support.database import postgres_server
from tests.support.personal_payments import DESCRIPTION, SUBJECT, a_payment, known_to_stripe
from tests.support.postgres_copies import backup, server_on
from tests.support.vaults import METADATA_KEYS, WRAPPING_KEYS

pytestmark = [pytest.mark.integration, pytest.mark.slow]

ORDER = Order(subject=SUBJECT, actor="privacy@shop.example", reason="case 4711")


def url(server: PostgresServer, role: str) -> str:
    return server.url("paystream_owner" if role == "owner" else f"paystream_{role}_login", "payments")


async def read(server: PostgresServer, payment_id: PaymentId) -> str | None:
    """Return the description of a payment, as who has the keys reads it."""
    vault = Vault(
        create_pool(url(server, "app"), size=1, idle=0, name="test"),
        WrappingKeys(WRAPPING_KEYS),
        metadata_keys=METADATA_KEYS,
    )
    try:
        async with await psycopg.AsyncConnection.connect(url(server, "app"), autocommit=True) as conn:
            state = PAYMENT.load(await vault.decrypt(await load(conn, payment_id))).state
        assert state is not None
        return state.description
    finally:
        await vault.close()


async def a_known_payment(server: PostgresServer) -> tuple[PaymentId, int]:
    """Record a payment that Stripe knows; return it and the last position."""
    vault = Vault(
        create_pool(url(server, "app"), size=1, idle=0, name="test"),
        WrappingKeys(WRAPPING_KEYS),
        metadata_keys=METADATA_KEYS,
    )
    try:
        async with await psycopg.AsyncConnection.connect(url(server, "app"), autocommit=True) as conn:
            attach(conn, vault)
            item = a_payment()
            await append(conn, [item])
            payment = await load_payment(conn, PaymentId(item.stream_id))
            await append(conn, [known_to_stripe(payment, item.stream_id)])
            return PaymentId(item.stream_id), (await load(conn, item.stream_id))[-1].position
    finally:
        await vault.close()


async def test_a_restored_backup_does_not_undo_an_erasure(tmp_path: Path, lent_broker: LentBroker) -> None:
    settings = lent_broker.settings()
    async with postgres_server(tmp_path / "primary") as primary:
        database = await new_log(primary)
        async with relayed(primary, database, settings) as relay:
            payment_id, position = await a_known_payment(primary)
            await published_up_to(relay, position)
            await asyncio.sleep(1.1)  # so that a note of the relay's is in the backup: it is written once a second
            yesterdays = await backup(primary)
            async with await psycopg.AsyncConnection.connect(url(primary, "erasure"), autocommit=True) as officer:
                done = await erase(officer, ORDER, metadata_keys=METADATA_KEYS)
                (marked,) = [each for each in await load(officer, payment_id) if "erased" in each.type]
            assert await read(primary, payment_id) == "[erased]"
            await published_up_to(relay, marked.position)
        primary.kill()
    async with server_on(yesterdays, tmp_path / "restored", primary) as restored:
        (key_id,) = await _keys(restored)
        assert key_id in done.receipt.keys, "the backup has the key"
        assert await read(restored, payment_id) == DESCRIPTION, "and is as it was"
        async with await psycopg.AsyncConnection.connect(url(restored, "relay"), autocommit=True) as connection:
            await RecoveryAdmin().recover(connection, settings, actor="a test", reason="a disk was lost")
        assert (await state_of(restored, database)).closed_because is None
        assert await _keys(restored) == [key_id], "the key is still there"
        assert await read(restored, payment_id) == "[erased]"


async def _keys(server: PostgresServer) -> list[object]:
    async with await psycopg.AsyncConnection.connect(url(server, "owner")) as owner:
        return [row[0] for row in await (await owner.execute("SELECT key_id FROM privacy.data_keys")).fetchall()]
