"""The stand-ins of both sides behave as the originals: the statement over the API, and the view of the ledger."""

import uuid
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from consumers.reconciliation.statement.api import ApiStatement
from consumers.reconciliation.statement.statement import StripeStatement
from consumers.stripe.translate.ids import PAYMENT_ID
from domain.ids import PaymentId, PayoutId
from domain.reconciliation.rows import PayoutSum
from infra.postgres.pool import Pool
from infra.stripe_sandbox.client import SandboxAdmin
from tests.integration.consumers.gateway.gateway_without_kafka import a_guard
from tests.integration.consumers.reconciliation.ledger_table import LedgerTable
from tests.integration.infra.stripe_sandbox.sandbox_process import SandboxProcess, running_sandbox, stripe_sdk
from tests.support.database import Database
from tests.unit.consumers.reconciliation.statement.statement_contract import StripeStatementContract

pytestmark = [pytest.mark.integration, pytest.mark.slow]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sandbox() -> AsyncIterator[SandboxProcess]:
    async with running_sandbox(None) as process:
        yield process


class TestApiStatement(StripeStatementContract):
    @pytest_asyncio.fixture(autouse=True)
    async def _on(self, sandbox: SandboxProcess) -> AsyncIterator[None]:
        async with SandboxAdmin(sandbox.url) as admin, stripe_sdk(sandbox.url) as client:
            await admin.reset()
            self._admin, self._client = admin, client
            self._statement = ApiStatement(client, a_guard(), timeout_s=10)
            yield

    def statement(self) -> StripeStatement:
        return self._statement

    async def pay(self, payment_id: PaymentId, amount: int) -> tuple[str, str]:
        intent = await self._client.v1.payment_intents.create_async(
            {
                "amount": amount,
                "currency": "usd",
                "payment_method": "pm_card_visa",
                "confirm": True,
                "allowed_payment_method_types": ["card"],
                "metadata": {PAYMENT_ID: str(payment_id)},
            }
        )
        assert isinstance(intent.latest_charge, str)
        return intent.latest_charge, intent.id

    async def refund(self, charge_id: str, amount: int) -> str:
        return (await self._client.v1.refunds.create_async({"charge": charge_id, "amount": amount})).id

    async def dispute_and_win(self, charge_id: str) -> str:
        dispute = await self._admin.dispute(charge_id, "fraudulent")
        await self._admin.decide(str(dispute["id"]), "won")
        return str(dispute["id"])

    async def pay_out(self) -> PayoutSum:
        await self._admin.advance(8 * 86_400)  # Stripe pays out what has been available for a while
        (made,) = await self._admin.pay_out()
        payout = await self._statement.payout(PayoutId(str(made["id"])))
        assert payout is not None
        assert payout.payout_id == made["id"]
        return payout

    async def test_a_payout_pays_what_others_took_off_and_brought_back(self) -> None:
        await self.pay(PaymentId(uuid.uuid4()), 5000)
        await self._admin.advance(8 * 86_400)
        await self._client.v1.payouts.create_async({"amount": 1000, "currency": "usd", "method": "instant"})
        (failing,) = await self._admin.pay_out(fails=True)
        await self._admin.settle_payout(str(failing["id"]), "failed")
        first = await self._statement.payout(PayoutId(str(failing["id"])))
        await self.pay(PaymentId(uuid.uuid4()), 2000)
        second = await self.pay_out()
        for payout, items in ((first, 2), (second, 2)):
            assert payout is not None
            assert (payout.items, payout.items_net) == (items, payout.amount)


async def test_the_ledgers_table_has_the_columns_of_the_ledgers_view(database: Database, pool: Pool) -> None:
    async def columns() -> list[tuple[object, ...]]:
        async with pool.connection() as conn:
            cursor = await conn.execute(
                "SELECT column_name, data_type FROM information_schema.columns"
                " WHERE table_schema = 'ledger' AND table_name = 'stripe_movements' ORDER BY column_name"
            )
            return await cursor.fetchall()

    of_view = await columns()
    await LedgerTable(database).prepare()
    assert len(of_view) == 12
    assert await columns() == of_view
