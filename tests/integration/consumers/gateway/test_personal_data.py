"""What Stripe is to show of a payment is sent in clear, and not before it can be read."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from consumers.stripe.fakes import MemoryStripe
from event_store.privacy.vault import Vault
from infra.postgres.pool import Pool, create_pool
from tests.integration.consumers.gateway.gateway_without_kafka import Payments, working
from tests.support.database import Database
from tests.support.vaults import open_test_vault
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

METADATA = {"email": "ada@mail.example", "order": "A-1"}


@pytest_asyncio.fixture
async def vault(database: Database) -> AsyncIterator[Vault]:
    async with open_test_vault(database) as opened:
        yield opened


@pytest_asyncio.fixture
async def encrypting(database: Database, vault: Vault) -> AsyncIterator[Pool]:
    async with create_pool(database.url("app"), size=8, name="test", configure=vault.attach) as opened:
        yield opened


async def test_stripe_gets_personal_data_in_clear(encrypting: Pool, vault: Vault) -> None:
    payments, stripe = Payments(encrypting), MemoryStripe()
    payment_id = await payments.request(description="Flowers", metadata=METADATA)
    assert (await payments.state(payment_id)).description == "[encrypted]"
    async with working(encrypting, stripe, vault=vault):
        await payments.becomes(payment_id, "succeeded")
    (sent,) = stripe.sent
    assert sent.params["description"] == "Flowers"
    assert METADATA.items() <= sent.params["metadata"].items()


async def test_nothing_is_sent_while_it_cannot_be_read(encrypting: Pool, database: Database, vault: Vault) -> None:
    payments, stripe = Payments(encrypting), MemoryStripe()
    payment_id = await payments.request(description="Flowers", metadata=METADATA)
    async with working(encrypting, stripe):
        await eventually(payments.tasks, lambda tasks: "no PRIVACY_WRAPPING_KEYS" in str(tasks))
    async with (
        open_test_vault(database, keys={"another": bytes(32)}) as stranger,
        working(encrypting, stripe, vault=stranger),
    ):
        await eventually(payments.tasks, lambda tasks: "cannot be read" in str(tasks))
    assert not stripe.intents
    assert [task[2] for task in await payments.tasks()] == [0], "it was not tried"
    async with working(encrypting, stripe, vault=vault):
        await payments.becomes(payment_id, "succeeded")
    assert len(stripe.intents) == 1
