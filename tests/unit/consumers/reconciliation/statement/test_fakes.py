"""Stripe's statement in memory keeps the contract of the one over the API."""

import itertools

import pytest

from consumers.reconciliation.statement.fakes import MemoryStatement
from consumers.reconciliation.statement.statement import Owner, StripeStatement
from domain.ids import PaymentId, PayoutId, StripeIntentId
from domain.money import SignedMoney
from domain.reconciliation.rows import PayoutSum
from tests.unit.consumers.reconciliation.statement.statement_contract import StripeStatementContract


class TestMemoryStatement(StripeStatementContract):
    @pytest.fixture(autouse=True)
    def _empty(self) -> None:
        self._statement = MemoryStatement()
        self._numbers = itertools.count(1)

    def statement(self) -> StripeStatement:
        return self._statement

    async def pay(self, payment_id: PaymentId, amount: int) -> tuple[str, str]:
        number = self._write("ch", "charge", amount, fee=59, intent=f"pi_{payment_id.hex}", payment_id=payment_id)
        return f"ch_{number}", f"pi_{payment_id.hex}"

    async def refund(self, charge_id: str, amount: int) -> str:
        return f"re_{self._write_for(charge_id, 're', 'refund', -amount, fee=0)}"

    async def dispute_and_win(self, charge_id: str) -> str:
        number = self._write_for(charge_id, "du", "dispute", -1000, fee=1500)
        self._write_for(charge_id, "du", "dispute_reversal", 1000, fee=-1500, number=number)
        return f"du_{number}"

    async def pay_out(self) -> PayoutSum:
        paid = sum(row.amount - row.fee for row in self._statement.stripe)
        at = max(row.created for row in self._statement.stripe) + 1
        payout = PayoutSum(
            payout_id=PayoutId("po_1"),
            amount=SignedMoney(amount_cents=paid, currency="USD"),
            created=at,
            items=len(self._statement.stripe),
            items_net=SignedMoney(amount_cents=paid, currency="USD"),
            final=True,
        )
        self._statement.payout_sums.append(payout)
        return payout

    def _write_for(
        self, charge_id: str, prefix: str, category: str, amount: int, *, fee: int, number: int | None = None
    ) -> int:
        owner = self._statement.owners[charge_id]
        return self._write(
            prefix, category, amount, fee=fee, intent=owner.intent_id, payment_id=owner.payment_id, number=number
        )

    def _write(
        self,
        prefix: str,
        category: str,
        amount: int,
        *,
        fee: int,
        intent: str | None,
        payment_id: PaymentId | None,
        number: int | None = None,
    ) -> int:
        """Write a row of a source of its own, or of an earlier one by its `number`; return the source's number."""
        row = next(self._numbers)
        source = row if number is None else number
        transaction = {
            "id": f"txn_{row}",
            "source": f"{prefix}_{source}",
            "reporting_category": category,
            "amount": amount,
            "fee": fee,
            "net": amount - fee,
            "currency": "usd",
            "created": 1_800_000_000 + row,
            "exchange_rate": None,
        }
        self._statement.write(transaction, _owner(intent, payment_id))
        return source


def _owner(intent: str | None, payment_id: PaymentId | None) -> Owner:
    return Owner(
        intent_id=None if intent is None else StripeIntentId(intent),
        payment_id=None if payment_id is None else PaymentId(payment_id),
    )
